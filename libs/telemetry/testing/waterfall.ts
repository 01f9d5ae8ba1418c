import type { ReceivedSpan } from './otlp-receiver.js';

/** A span with what it led to, and where in the whole it lies. Milliseconds. */
export interface TraceNode {
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  /** How many alike, one after the other, it stands for; `durationMs` is their sum. */
  readonly count: number;
  readonly children: readonly TraceNode[];
}

const NS_A_MS = 1e6;

/** The spans of one trace as trees, the earliest first. A span whose parent did not come is a tree of its own. */
export function traceTrees(spans: readonly ReceivedSpan[]): readonly TraceNode[] {
  const first = spans.reduce((least, { start }) => (start < least ? start : least), spans[0]?.start ?? 0n);
  const known = new Set(spans.map(({ spanId }) => spanId));
  const childrenOf = (parent: string | undefined): TraceNode[] =>
    spans
      .filter(({ parentSpanId }) => (parent === undefined ? !known.has(parentSpanId) : parentSpanId === parent))
      .sort((a, b) => Number(a.start - b.start))
      .map(({ spanId, name, service, start, end, failed }) => ({
        name,
        service,
        startMs: Number(start - first) / NS_A_MS,
        durationMs: Number(end - start) / NS_A_MS,
        failed,
        count: 1,
        children: childrenOf(spanId),
      }));
  return childrenOf(undefined);
}

/** Neighbours of one name without children as one: a plan has dozens of the same operation. */
export function merged(nodes: readonly TraceNode[]): readonly TraceNode[] {
  const found: TraceNode[] = [];
  for (const node of nodes) {
    const last = found.at(-1);
    if (last && last.name === node.name && last.children.length === 0 && node.children.length === 0 && last.failed === node.failed) {
      found[found.length - 1] = { ...last, count: last.count + 1, durationMs: last.durationMs + node.durationMs };
    } else {
      found.push({ ...node, children: merged(node.children) });
    }
  }
  return found;
}

/** The trees as lines: bar, milliseconds from the beginning and for itself, name indented below its parent's. `width`: of the bars, in characters. */
export function waterfall(trees: readonly TraceNode[], width = 40): string {
  const rows = trees.flatMap((tree) => rowsOf(tree, 0));
  const totalMs = Math.max(...rows.map(({ node }) => node.startMs + node.durationMs), Number.MIN_VALUE);
  const scale = width / totalMs;
  const line = ({ node, depth }: Row): string => {
    const { startMs, durationMs, service, name, count, failed } = node;
    const from = Math.min(width - 1, Math.floor(startMs * scale));
    const length = Math.max(1, Math.min(width - from, Math.round(durationMs * scale)));
    const bar = `${' '.repeat(from)}${(failed ? 'x' : durationMs * scale < 0.5 ? '·' : '█').repeat(length)}`.padEnd(width);
    return `${bar} ${startMs.toFixed(2).padStart(9)} ${durationMs.toFixed(2).padStart(9)}  ${'  '.repeat(depth)}${name}${count > 1 ? ` ×${count}` : ''}  [${service}]`;
  };
  return [`${''.padEnd(width)} ${'at ms'.padStart(9)} ${'took ms'.padStart(9)}  what [service]`, ...rows.map(line)].join('\n');
}

interface Row {
  readonly node: TraceNode;
  readonly depth: number;
}

const rowsOf = (node: TraceNode, depth: number): Row[] => [{ node, depth }, ...node.children.flatMap((child) => rowsOf(child, depth + 1))];
