import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { Exposition, labelText } from './exposition.js';
import { Histogram } from './histogram.js';
import { mergeFamilies } from './merge-families.js';
import { prefersProtobuf, protobufPage } from './protobuf-page.js';
import { SparseBuckets } from './sparse-buckets.js';

/** What of io.prometheus.client is used, by its numbers there. */
const { root } = protobuf.parse(`syntax = "proto2";
message LabelPair { optional string name = 1; optional string value = 2; }
message Value { optional double value = 1; }
message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
message Exemplar { repeated LabelPair label = 1; optional double value = 2; optional Timestamp timestamp = 3; }
message Bucket { optional uint64 cumulative_count = 1; optional double upper_bound = 2; optional Exemplar exemplar = 3; }
message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
message Histogram { optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Bucket bucket = 3; optional sint32 schema = 5; optional double zero_threshold = 6;
  optional uint64 zero_count = 7; repeated BucketSpan positive_span = 12; repeated sint64 positive_delta = 13; }
message Metric { repeated LabelPair label = 1; optional Value gauge = 2; optional Value counter = 3; optional Value untyped = 5; optional Histogram histogram = 7; }
message MetricFamily { optional string name = 1; optional string help = 2; optional int32 type = 3; repeated Metric metric = 4; }`);
const MetricFamily = root.lookupType('MetricFamily');

async function decoded(...pages: readonly ((out: Exposition) => void)[]): Promise<unknown[]> {
  const texts = pages.map((write) => {
    const out = new Exposition('annotated');
    write(out);
    return String(out.bytes());
  });
  const { body } = await protobufPage(mergeFamilies(texts));
  const reader = protobuf.Reader.create(body);
  const families: unknown[] = [];
  while (reader.pos < reader.len) families.push(MetricFamily.toObject(MetricFamily.decodeDelimited(reader), { longs: Number }));
  return families;
}

test('counters, gauges and what is neither keep names, labels and values', async () => {
  const awkward = 'a"b\\c\nd, {e} # f';
  const page = (out: Exposition): void => {
    out.family('a_total', 'counter', 'A, all of them.').sample('', 7);
    out.family('b', 'gauge', 'B.').sample(labelText({ name: awkward, empty: '' }), -0.5);
    out.sample(labelText({ name: 'n' }), Infinity);
    out.family('container_memory_failcnt', 'counter', 'C.').sample('', 2);
  };
  expect(await decoded(page)).toEqual([
    { name: 'a_total', help: 'A, all of them.', type: 0, metric: [{ counter: { value: 7 } }] },
    { name: 'b', help: 'B.', type: 1, metric: [{ label: [{ name: 'name', value: awkward }, { name: 'empty', value: '' }], gauge: { value: -0.5 } }, { label: [{ name: 'name', value: 'n' }], gauge: { value: Infinity } }] },
    { name: 'container_memory_failcnt', help: 'C.', type: 3, metric: [{ untyped: { value: 2 } }] },
  ]);
});

test('a histogram has its sparse buckets beside those with bounds, and exemplars, also when the page is of several processes', async () => {
  const histogram = new Histogram([1], new SparseBuckets());
  for (const value of [0, 0.5, 1, 1, 1.05, 4]) histogram.observe(value, value === 4 ? { traceId: 'abc', atSeconds: 10.5 } : undefined);
  const plain = new Histogram([1]);
  const pages = [histogram, plain].map((one, index) => (out: Exposition) => void out.family('h', 'histogram', 'H.').histogram(labelText({ of: String(index) }), one));
  expect(await decoded(...pages)).toEqual([
    {
      name: 'h',
      help: 'H.',
      type: 4,
      metric: [
        {
          label: [{ name: 'of', value: '0' }],
          histogram: {
            sampleCount: 6,
            sampleSum: 7.55,
            bucket: [
              { cumulativeCount: 4, upperBound: 1 },
              { cumulativeCount: 6, upperBound: Infinity, exemplar: { label: [{ name: 'trace_id', value: 'abc' }], value: 4, timestamp: { seconds: 10, nanos: 500_000_000 } } },
            ],
            schema: 3,
            zeroThreshold: 2 ** -128,
            zeroCount: 1,
            // 0.5 is in bucket -8, both 1 in 0, 1.05 in 1, 4 in 16.
            positiveSpan: [{ offset: -8, length: 1 }, { offset: 7, length: 2 }, { offset: 14, length: 1 }],
            positiveDelta: [1, 1, -1, 0],
          },
        },
        { label: [{ name: 'of', value: '1' }], histogram: { sampleCount: 0, sampleSum: 0, bucket: [{ cumulativeCount: 0, upperBound: 1 }, { cumulativeCount: 0, upperBound: Infinity }] } },
      ],
    },
  ]);
});

test('sparse buckets that were kept as JSON go on', () => {
  const histogram = new Histogram([1], new SparseBuckets());
  for (const value of [0, 3]) histogram.observe(value);
  const kept = Histogram.from(JSON.parse(JSON.stringify(histogram.freeze())) as ReturnType<Histogram['freeze']>);
  kept.observe(3);
  expect(kept.sparse?.data()).toEqual({ zeros: 1, counts: [[13, 2]] });
});

test('what is no line of a page is told', async () => {
  await expect(protobufPage('# HELP a A.\n# TYPE a gauge\na{b="c} 1\n')).rejects.toThrow('no labels: a{b="c} 1');
  await expect(protobufPage('# HELP a A.\n# TYPE a info\n')).rejects.toThrow('no family of metrics: # HELP a A. # TYPE a info');
});

describe('whether protobuf is wanted', () => {
  const prometheus = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  test.each([
    ['by a Prometheus that keeps native histograms', prometheus, true],
    ['where text is liked better', 'application/openmetrics-text;version=1.0.0,application/vnd.google.protobuf;q=0.5', false],
    ['where it is refused', 'application/vnd.google.protobuf;q=0', false],
    ['by a browser', 'text/html,*/*;q=0.8', false],
    ['by who says nothing', '', false],
  ])('%s', (_, accept, wanted) => expect(prefersProtobuf(accept)).toBe(wanted));
});
