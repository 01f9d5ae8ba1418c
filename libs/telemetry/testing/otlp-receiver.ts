import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A span as it came over OTLP. Times are nanoseconds since 1970. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for the first of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** Without "berth-". */
  readonly service: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Receives traces by OTLP/HTTP (JSON) on a loopback port and keeps them: for tests and for showing one's own. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  private readonly waiting = new Set<() => void>();
  private readonly server = createServer((request, response) => {
    void json(request)
      .then((body) => this.spans.push(...spansOf(body as ExportRequest)))
      .then(() => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'), () => response.writeHead(400).end())
      .then(() => this.waiting.forEach((look) => look()));
  });

  static async open(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resolves to all spans once `enough` says so; rejects after `timeoutMs`. */
  until(enough: (spans: readonly ReceivedSpan[]) => boolean, timeoutMs = 20_000): Promise<readonly ReceivedSpan[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error(`not within ${timeoutMs} ms; came: ${this.spans.map(({ name }) => name).join(', ')}`))), timeoutMs);
      const look = (): void => {
        if (enough(this.spans)) settle(() => resolve(this.spans));
      };
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(look);
        how();
      };
      this.waiting.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

/** opentelemetry-proto, trace/v1/trace.proto, as JSON: what of it is read here. */
interface ExportRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly Attribute[] };
    readonly scopeSpans?: readonly { readonly spans?: readonly OtlpSpan[] }[];
  }[];
}
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string; readonly doubleValue?: number; readonly boolValue?: boolean };
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status?: { readonly code?: number };
  readonly attributes?: readonly Attribute[];
}

const ERROR = 2;

function spansOf({ resourceSpans = [] }: ExportRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const service = String(attributesOf(resource?.attributes)['service.name'] ?? '').replace(/^berth-/, '');
    return scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => received(span, service)));
  });
}

function received(span: OtlpSpan, service: string): ReceivedSpan {
  const { traceId, spanId, parentSpanId = '', name, startTimeUnixNano, endTimeUnixNano, status, attributes } = span;
  return { traceId, spanId, parentSpanId, name, service, start: BigInt(startTimeUnixNano), end: BigInt(endTimeUnixNano), failed: status?.code === ERROR, attributes: attributesOf(attributes) };
}

function attributesOf(attributes: readonly Attribute[] = []): Record<string, string | number | boolean> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue ?? 0)]));
}
