import { useTracer } from './tracing.js';

/** The standard variables that say where traces go; without one of them there is no tracing. */
const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;

/** Whether the environment asks for traces: OTEL_SDK_DISABLED and OTEL_TRACES_EXPORTER=none say no, as everywhere. */
export function wantsTraces(environment: NodeJS.ProcessEnv): boolean {
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || environment['OTEL_TRACES_EXPORTER'] === 'none') return false;
  return ENDPOINTS.some((name) => Boolean(environment[name]));
}

/** Turns tracing on where the environment wants it, for spans of `processName` and of the services in it. First of all, before anything is wired. */
export async function startTracing(processName: string, environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (!wantsTraces(environment)) return;
  const { OtlpTracer } = await import('./otlp-tracer.js');
  useTracer(new OtlpTracer(processName));
}
