import type { Writer } from 'protobufjs/minimal.js';
import { NATIVE } from './exposition.js';
import type { MetricsPage } from './page.js';
import { SCHEMA, type SparseData, ZERO_THRESHOLD } from './sparse-buckets.js';

/** Before what a scraper must send, which names the message and how messages are told apart. */
const MEDIA_TYPE = 'application/vnd.google.protobuf';

/** Whether a scraper would rather have protobuf than text, as Prometheus when it keeps native histograms. (RFC 9110, section 12.5.1.) */
export function prefersProtobuf(accept: string): boolean {
  const weights = accept.split(',').map((range) => ({ isProtobuf: range.trim().startsWith(MEDIA_TYPE), weight: Number(/;\s*q=([\d.]+)/.exec(range)?.[1] ?? 1) }));
  const best = (isProtobuf: boolean): number => Math.max(0, ...weights.filter((one) => one.isProtobuf === isProtobuf).map(({ weight }) => weight));
  return best(true) > 0 && best(true) >= best(false);
}

/** By their numbers in io.prometheus.client.MetricType. */
const TYPES: Readonly<Record<string, number>> = { counter: 0, gauge: 1, unknown: 3, histogram: 4 };
/** The field of io.prometheus.client.Metric that has the value of a type. */
const VALUE_FIELDS: Readonly<Record<string, number>> = { counter: 3, gauge: 2, unknown: 5 };
/** Of protobuf's wire types. */
const [EIGHT_BYTES, DELIMITED, VARINT] = [1, 2, 0];

type Label = readonly [name: string, value: string];

interface Exemplar {
  readonly labels: readonly Label[];
  readonly value: number;
  readonly atSeconds: number;
}

interface Line {
  readonly name: string;
  readonly labels: readonly Label[];
  readonly value: number;
  readonly exemplar: Exemplar | undefined;
}

interface HistogramLines {
  readonly labels: readonly Label[];
  readonly buckets: { readonly bound: number; readonly count: number; readonly exemplar: Exemplar | undefined }[];
  sum: number;
  count: number;
  sparse?: SparseData;
}

/**
 * A page of the format 'annotated' as Prometheus' protobuf, which alone carries native histograms: messages io.prometheus.client.MetricFamily, each after its length. (Source: metrics.proto of
 * Prometheus' client_model.) Throws where a line is none of that format.
 */
export async function protobufPage(page: string): Promise<MetricsPage> {
  const { default: protobuf } = await import('protobufjs/minimal.js');
  const out = protobuf.Writer.create();
  for (const family of page.split(/^(?=# HELP )/m)) if (family !== '') writeFamily(family.split('\n'), out);
  return { contentType: `${MEDIA_TYPE}; proto=io.prometheus.client.MetricFamily; encoding=delimited`, body: Buffer.from(out.finish()) };
}

function writeFamily([helpLine = '', typeLine = '', ...lines]: readonly string[], out: Writer): void {
  const [, family = '', help = ''] = /^# HELP (\S+) (.*)$/.exec(helpLine) ?? [];
  const type = / (\w+)$/.exec(typeLine)?.[1] ?? '';
  const number = TYPES[type];
  if (number === undefined) throw new Error(`no family of metrics: ${helpLine} ${typeLine}`);
  out.fork();
  // OpenMetrics leaves a counter's suffix out of its family's name.
  out.uint32(tag(1)).string(type === 'counter' ? `${family}_total` : family);
  out.uint32(tag(2)).string(help);
  out.uint32(tag(3, VARINT)).int32(number);
  if (type === 'histogram') for (const histogram of histogramsOf(lines)) writeHistogram(histogram, out);
  else for (const line of lines) if (isSample(line)) writeSample(lineOf(line), VALUE_FIELDS[type] ?? 0, out);
  out.ldelim();
}

function writeSample({ labels, value }: Line, field: number, out: Writer): void {
  out.uint32(tag(4)).fork();
  writeLabels(1, labels, out);
  out.uint32(tag(field)).fork();
  out.uint32(tag(1, EIGHT_BYTES)).double(value);
  out.ldelim().ldelim();
}

function histogramsOf(lines: readonly string[]): Iterable<HistogramLines> {
  const byLabels = new Map<string, HistogramLines>();
  const of = (labels: readonly Label[]): HistogramLines => {
    const key = JSON.stringify(labels);
    const known = byLabels.get(key) ?? { labels, buckets: [], sum: 0, count: 0 };
    byLabels.set(key, known);
    return known;
  };
  for (const line of lines) {
    if (line.startsWith(NATIVE)) {
      const [labels, end] = labelsOf(line, NATIVE.length);
      of(labels).sparse = JSON.parse(line.slice(end)) as SparseData; // as Exposition writes it
      continue;
    }
    if (!isSample(line)) continue;
    const { name, labels, value, exemplar } = lineOf(line);
    const histogram = of(labels.filter(([label]) => label !== 'le'));
    if (name.endsWith('_sum')) histogram.sum = value;
    else if (name.endsWith('_count')) histogram.count = value;
    else histogram.buckets.push({ bound: numberOf(labels.find(([label]) => label === 'le')?.[1] ?? ''), count: value, exemplar });
  }
  return byLabels.values();
}

function writeHistogram({ labels, buckets, sum, count, sparse }: HistogramLines, out: Writer): void {
  out.uint32(tag(4)).fork();
  writeLabels(1, labels, out);
  out.uint32(tag(7)).fork();
  out.uint32(tag(1, VARINT)).uint64(count);
  out.uint32(tag(2, EIGHT_BYTES)).double(sum);
  for (const bucket of buckets) {
    out.uint32(tag(3)).fork();
    out.uint32(tag(1, VARINT)).uint64(bucket.count);
    out.uint32(tag(2, EIGHT_BYTES)).double(bucket.bound);
    if (bucket.exemplar) writeExemplar(bucket.exemplar, out);
    out.ldelim();
  }
  if (sparse) writeSparse(sparse, out);
  out.ldelim().ldelim();
}

/** Spans of buckets beside one another, each told by how far it is from the one before; counts by how much they differ from the one before. */
function writeSparse({ zeros, counts }: SparseData, out: Writer): void {
  out.uint32(tag(5, VARINT)).sint32(SCHEMA);
  out.uint32(tag(6, EIGHT_BYTES)).double(ZERO_THRESHOLD);
  out.uint32(tag(7, VARINT)).uint64(zeros);
  const spans: { first: number; length: number }[] = [];
  for (const [index] of counts) {
    const last = spans.at(-1);
    if (last && last.first + last.length === index) last.length++;
    else spans.push({ first: index, length: 1 });
  }
  let end = 0;
  for (const { first, length } of spans) {
    out.uint32(tag(12)).fork();
    out.uint32(tag(1, VARINT)).sint32(first - end);
    out.uint32(tag(2, VARINT)).uint32(length);
    out.ldelim();
    end = first + length;
  }
  let before = 0;
  for (const [, count] of counts) {
    out.uint32(tag(13, VARINT)).sint64(count - before);
    before = count;
  }
}

function writeExemplar({ labels, value, atSeconds }: Exemplar, out: Writer): void {
  out.uint32(tag(3)).fork();
  writeLabels(1, labels, out);
  out.uint32(tag(2, EIGHT_BYTES)).double(value);
  out.uint32(tag(3)).fork();
  out.uint32(tag(1, VARINT)).int64(Math.floor(atSeconds));
  out.uint32(tag(2, VARINT)).int32(Math.floor((atSeconds % 1) * 1e9));
  out.ldelim().ldelim();
}

function writeLabels(field: number, labels: readonly Label[], out: Writer): void {
  for (const [name, value] of labels) {
    out.uint32(tag(field)).fork();
    out.uint32(tag(1)).string(name);
    out.uint32(tag(2)).string(value);
    out.ldelim();
  }
}

const tag = (field: number, wireType = DELIMITED): number => (field << 3) | wireType;

const isSample = (line: string): boolean => line !== '' && !line.startsWith('#');

/** `name{labels} value`, and ` # {labels} value seconds` where it has an exemplar. */
function lineOf(line: string): Line {
  const [name = ''] = /^[^{ ]+/.exec(line) ?? [];
  const [labels, end] = labelsOf(line, name.length);
  const [value = '', marked, ...rest] = line.slice(end).trim().split(' ');
  if (name === '' || value === '') throw new Error(`no sample: ${line}`);
  const exemplar = marked === '#' ? exemplarOf(rest.join(' ')) : undefined;
  return { name, labels, value: numberOf(value), exemplar };
}

function exemplarOf(text: string): Exemplar {
  const [labels, end] = labelsOf(text, 0);
  const [value = '', at = ''] = text.slice(end).trim().split(' ');
  return { labels, value: numberOf(value), atSeconds: Number(at) };
}

const LABEL = /,?([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/y;

/** What is in braces at `from`, if there are any, and where the rest begins. */
function labelsOf(line: string, from: number): readonly [labels: readonly Label[], end: number] {
  if (line[from] !== '{') return [[], from];
  const labels: Label[] = [];
  LABEL.lastIndex = from + 1;
  for (let end = LABEL.lastIndex; ; end = LABEL.lastIndex) {
    const [, name = '', value = ''] = LABEL.exec(line) ?? [];
    if (name === '') {
      if (line[end] !== '}') throw new Error(`no labels: ${line}`);
      return [labels, end + 1];
    }
    labels.push([name, value.includes('\\') ? value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)) : value]);
  }
}

const numberOf = (text: string): number => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));
