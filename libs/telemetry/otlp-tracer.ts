import { type Context, type Link, ROOT_CONTEXT, type Span as OtelSpan, type SpanContext, SpanKind as OtelKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { errorMessage } from '#libs/errors/errors.js';
import { logger } from './logger.js';
import { monotonicNow, RealTime } from './monotonic-clock.js';
import { tellTroubles } from './otlp-troubles.js';
import { formatTraceparent, parseTraceparent } from './trace-context.js';
import { withoutSecrets } from './without-secrets.js';
import type { Attributes, Span, SpanKind, SpanOptions, Tracer } from './tracing.js';

/** A trace is over for what happens so much later than the span that led to it: the exit of a container is no part of the trace of its start. */
const LATE_NS = 60_000_000_000n;

const KINDS: Readonly<Record<SpanKind, OtelKind>> = { internal: OtelKind.INTERNAL, server: OtelKind.SERVER, client: OtelKind.CLIENT };

/**
 * Spans by OpenTelemetry's own SDK, sent in batches by OTLP over HTTP as JSON. Where to, how many and which of them is told by the standard
 * OTEL_* variables. Loaded only when tracing is on: it takes some 25 MB and a sixth of a second.
 */
export class OtlpTracer implements Tracer {
  private readonly processor: BatchSpanProcessor;
  /** A service is a resource, and a resource is a provider: one for each service of this process. */
  private readonly providers = new Map<string, BasicTracerProvider>();
  private readonly time = new RealTime();

  constructor(private readonly processName: string) {
    tellTroubles(logger(processName));
    this.processor = new BatchSpanProcessor(new OTLPTraceExporter());
  }

  start(name: string, { kind = 'internal', parent, service, attributes, startedAt }: SpanOptions, enclosing: Span | undefined): Span {
    const owner = service ?? enclosing?.service ?? this.processName;
    const at = startedAt ?? monotonicNow();
    const isLate = enclosing?.endedAt !== undefined && at - enclosing.endedAt > LATE_NS;
    const context = isLate ? ROOT_CONTEXT : contextOf(enclosing?.traceparent ?? parent);
    if (context === ROOT_CONTEXT) this.time.check();
    const links = isLate ? linksTo(enclosing.traceparent) : [];
    const span = this.provider(owner).getTracer('berth').startSpan(name, { kind: KINDS[kind], startTime: this.time.at(at), links, attributes: attributes ?? {} }, context);
    return new ExportedSpan(span, owner, this.time);
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.providers.values()].map((provider) => provider.shutdown()));
  }

  private provider(service: string): BasicTracerProvider {
    let provider = this.providers.get(service);
    if (provider === undefined) {
      const resource = resourceFromAttributes({ 'service.name': `berth-${service}`, 'service.namespace': 'berth', 'process.pid': process.pid });
      provider = new BasicTracerProvider({ resource: detectResources({ detectors: [envDetector] }).merge(resource), spanProcessors: [this.processor] });
      this.providers.set(service, provider);
    }
    return provider;
  }
}

function contextOf(traceparent: string | undefined): Context {
  const context = spanContextOf(traceparent);
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
}

function linksTo(traceparent: string): Link[] {
  const context = spanContextOf(traceparent);
  return context === undefined ? [] : [{ context }];
}

function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return undefined;
  const { traceId, spanId, sampled } = parent;
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

class ExportedSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceparent: string;
  readonly isRecorded: boolean;
  endedAt: bigint | undefined;

  constructor(
    private readonly span: OtelSpan,
    readonly service: string,
    private readonly time: RealTime,
  ) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.isRecorded = (traceFlags & TraceFlags.SAMPLED) !== 0;
    this.traceparent = formatTraceparent({ traceId, spanId, sampled: this.isRecorded });
  }

  set(attributes: Attributes): void {
    this.span.setAttributes(attributes);
  }

  fail(error: unknown): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: withoutSecrets(errorMessage(error)) });
  }

  end(at = monotonicNow()): void {
    if (this.endedAt !== undefined) return;
    this.endedAt = at;
    this.span.end(this.time.at(at));
  }
}
