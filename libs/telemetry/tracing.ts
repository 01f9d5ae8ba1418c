import { AsyncLocalStorage } from 'node:async_hooks';

export type SpanKind = 'internal' | 'server' | 'client';
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** Absent: internal. */
  readonly kind?: SpanKind;
  /** A traceparent, for where no span is open here. What is none is ignored: then a trace begins. */
  readonly parent?: string | undefined;
  /** Whose span it is, where several services share a process. Absent: the enclosing span's, else the process's. */
  readonly service?: string;
  readonly attributes?: Attributes;
  /** Monotonic nanoseconds (CLOCK_MONOTONIC, process.hrtime.bigint). Absent: now. */
  readonly startedAt?: bigint;
}

export interface Span {
  /** For whom it calls. */
  readonly traceparent: string;
  readonly traceId: string;
  readonly spanId: string;
  /** False where the sampler, or the caller's traceparent, does not want this trace. */
  readonly isRecorded: boolean;
  readonly service: string;
  /** Undefined until it ends: what began in it may go on for long. Monotonic nanoseconds. */
  readonly endedAt: bigint | undefined;
  set(attributes: Attributes): void;
  /** Marks it as failed; it still has to end. */
  fail(error: unknown): void;
  /** A second call changes nothing. `at`: monotonic nanoseconds; absent: now. */
  end(at?: bigint): void;
}

export interface Tracer {
  start(name: string, options: SpanOptions, enclosing: Span | undefined): Span;
  /** Sends what is not sent yet. Never rejects: a collector that is down is no fault of ours. */
  stop(): Promise<void>;
}

/** Undefined: tracing is off, and each function here is one comparison. */
let tracer: Tracer | undefined;
const open = new AsyncLocalStorage<Span>();

/** `startTracing` (start-tracing.ts) gives the one that exports; tests may give their own. */
export function useTracer(wanted: Tracer | undefined): void {
  tracer = wanted;
}

export async function stopTracing(): Promise<void> {
  const stopped = tracer;
  tracer = undefined;
  await stopped?.stop();
}

export const isTracing = (): boolean => tracer !== undefined;

/** The span that the present call belongs to. */
export const currentSpan = (): Span | undefined => (tracer === undefined ? undefined : open.getStore());

/** A span that ends when somebody says so. Undefined: tracing is off. */
export const startSpan = (name: string, options: SpanOptions = {}): Span | undefined => tracer?.start(name, options, open.getStore());

/** Does `work` as a part of `span`: all spans begun in it, and in what it awaits, are its children. */
export const inSpan = <T>(span: Span, work: () => T): T => open.run(span, work);

/** Does `work` as a span of its own, which ends with it, or with the promise that it returns, and fails with it. */
export function traced<T>(name: string, work: () => T, options: SpanOptions = {}): T {
  const span = startSpan(name, options);
  if (span === undefined) return work();
  return inSpan(span, () => {
    try {
      const result = work();
      if (result instanceof Promise) {
        // An own branch of the promise: whoever awaits the result still gets its rejection.
        result.then(() => span.end(), (error: unknown) => (span.fail(error), span.end()));
      } else {
        span.end();
      }
      return result;
    } catch (error) {
      span.fail(error);
      span.end();
      throw error;
    }
  });
}

/** What others are to be told of the cause: with tracing on, the open span is the parent of what they do. */
export function causedHere<Cause extends { readonly traceparent?: string }>(cause: Cause): Cause {
  const span = currentSpan();
  return span === undefined ? cause : { ...cause, traceparent: span.traceparent };
}

/**
 * Makes a span of each call of these methods, on this object alone; with tracing off nothing is touched. For steps of a process whose code is
 * to know nothing of traces. A method's span has the given name.
 */
export function traceMethods<T extends object>(object: T, names: Partial<Record<keyof T & string, string>>): void {
  if (tracer === undefined) return;
  for (const [method, name] of Object.entries(names) as [keyof T & string, string][]) {
    const original = object[method] as unknown;
    if (typeof original !== 'function') throw new TypeError(`${method} is no method`);
    Object.defineProperty(object, method, {
      configurable: true,
      writable: true,
      value(this: T, ...args: unknown[]): unknown {
        return traced(name, () => Reflect.apply(original, this, args) as unknown);
      },
    });
  }
}
