import { describe, expect, test } from 'vitest';
import { type Logged, tagOf } from './log-tag.js';

const id = 'ab12'.padEnd(64, '0');
const imageId = `sha256:${'c'.repeat(64)}`;
const logged: Logged = {
  id, name: 'tg', createdAt: '2026-01-02T03:04:05.678Z', imageId, imageRef: 'busybox', path: 'echo', args: ['hi', 'there'],
  config: { Labels: { 'x.y': '1', a: 'b' }, Env: ['K=v'] }, hostConfig: { LogConfig: { Type: 'json-file', Config: { tag: 'T' } } },
};
const tag = (template: string): string => tagOf(template, logged);

// All asked of dockerd 20.10, but for what json tells of the log's path.
describe('a tag is what dockerd makes of its template', () => {
  test.each([
    ['plain }} {', 'plain }} {'],
    ['{{.ID}} {{.FullID}} {{.ImageID}} {{.ImageName}} {{.ImageFullID}} {{.DaemonName}} {{.ContainerName}} {{.Command}}', `ab1200000000 ${id} sha256:ccccc busybox ${imageId} docker /tg echo hi there`],
    ['{{json .ContainerLabels}} {{json .Name}} {{json .ContainerArgs}}', '{"a":"b","x.y":"1"} "tg" ["hi","there"]'],
    ['{{upper .Name}} {{title "a b-c d"}} {{.Name | upper | lower}}', 'TG A B-C D tg'],
    ['{{truncate .ID 3}} {{truncate .Name 100}} [{{pad .Name 1 2}}]', 'ab1 tg [ tg  ]'],
    ['{{join (split .ImageName "b") "_"}} {{join .ContainerArgs ","}}', '_usy_ox hi,there'],
    ['{{printf "%s-%d-%q-%v-%05d-%x|%-4s|%4s|%%" .Name 5 .Name .ContainerArgs 7 .Name "l" "r"}}', 'tg-5-"tg"-[hi there]-00007-7467|l   |   r|%'],
    ['{{.ContainerArgs}} {{.ContainerLabels}} {{.ContainerEnv}} {{.ContainerEntrypoint}}', '[hi there] map[a:b x.y:1] [K=v] echo'],
    ['{{index .ContainerLabels "x.y"}} {{.ContainerLabels.a}} {{.ContainerLabels.none}} {{index .ContainerLabels "no"}} {{len .Name}}', '1 b <no value>  2'],
    ['{{if eq .Name "tg"}}yes{{else}}no{{end}} {{if .Name | eq "x"}}x{{else if .ID}}id{{else}}no{{end}}', 'yes id'],
    ['{{- .Name -}}   x  {{/* "a }} comment */}}', 'tgx  '],
    ['{{print .Name 1 2 "x"}} {{println .Name 1}}|{{urlquery "a b"}} {{html "<a>"}} {{not true}} {{and 1 .Name}} {{or "" .Name}} {{ne 1 2}} {{lt 1 2}}', 'tg1 2x tg 1\n|a+b &lt;a&gt; false tg tg true true'],
    ['{{"a\\"b"}} {{`raw`}} {{5}} {{true}} {{$.Name}} {{"}}"}}', 'a"b raw 5 true tg }}'],
    ['{{json .}}', `{"Config":{"tag":"T"},"ContainerID":"${id}","ContainerName":"/tg","ContainerEntrypoint":"echo","ContainerArgs":["hi","there"],"ContainerImageID":"${imageId}","ContainerImageName":"busybox","ContainerCreated":"2026-01-02T03:04:05.678Z","ContainerEnv":["K=v"],"ContainerLabels":{"a":"b","x.y":"1"},"LogPath":"","DaemonName":"docker"}`],
  ])('%s', (template, comes) => {
    expect(tag(template)).toBe(comes);
  });
});

describe('what can never be a tag is refused at a start', () => {
  test.each([
    ['{{foo .Name}}', ': function "foo" not defined'],
    ['{{toString .Name}}', ': function "toString" not defined'],
    ['x{{.Foo}}', ':3: executing "log-tag" at <.Foo>: can\'t evaluate field Foo in type *logger.Info'],
    ['{{upper .constructor}}', ':8: executing "log-tag" at <.constructor>: can\'t evaluate field constructor in type *logger.Info'],
    ['{{if true}}{{else}}{{print (.Foo)}}{{end}}', 'can\'t evaluate field Foo'],
    ['{{.Name', ': unclosed action'],
    ['{{"unterminated}}', ': unterminated quoted string'],
    ['{{truncate .Name}}', ':2: executing "log-tag" at <truncate>: wrong number of args for truncate: want 2 got 1'],
    ['{{if .Name}}x', ': unexpected EOF'],
    ['{{end}}', ': unexpected {{end}}'],
    ['{{else}}', ': unexpected {{else}}'],
    ['{{}}', ': missing value for command'],
    ['{{.Name | }}', ': missing value for command'],
    ['{{(.Name}}', ': unclosed left paren'],
    ['{{nil}}', ':2: executing "log-tag" at <nil>: nil is not a command'],
    ['{{.Name .ID}}', "can't give argument to non-function .Name"],
    ['{{range .ContainerArgs}}{{.}}{{end}}', 'Berth does not support {{range}} in a log tag'],
    ['{{.Hostname}}', 'Berth does not support Hostname in a log tag'],
    ['{{$x := .Name}}', ': unexpected ":" in command'],
    [`{{${'('.repeat(1000)}}}`, 'too many parts within one another'],
    ['{{if .ID}}'.repeat(1000), 'too many parts within one another'],
    ['x'.repeat(20_000), 'a log tag has 16384 characters at most'],
  ])('%s', (template, says) => {
    expect(() => tag(template)).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining(says) as string }) as Error);
  });
});

test.each([
  ['{{.Name.Foo}}', 'can\'t evaluate field Foo in type string'],
  ['{{upper 5}}', 'error calling upper: wrong type for value; expected string; got int'],
  ['{{index .ContainerArgs 9}}', 'error calling index: index out of range: 9'],
  ['{{eq .Name 1}}', 'error calling eq: incompatible types for comparison'],
  ['{{pad .Name 1000000 1}}', 'the result has more than 16384 characters'],
  ['{{printf "%99999d" 1}}', 'the result has more than 16384 characters'],
  ['{{join (split (pad .Name 16000 1) "") (pad .Name 16000 1)}}', 'the result has more than 16384 characters'],
  ['{{pad .Name 9000 7000}}'.repeat(5), "the log's tag has more than 65536 characters"],
  ['{{upper .}}', 'error calling upper: wrong type for value; got *logger.Info'],
])('%s cannot be done, and says so at the start', (template, says) => {
  expect(() => tag(template)).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining(says) as string }) as Error);
});

test('what a template is long with holds nobody up', () => {
  const begun = performance.now();
  expect(() => tag(`{{${' '.repeat(16_000)}`)).toThrow('unclosed action');
  expect(tag(`{{printf "%${'0'.repeat(16_000)}!"}}`)).toHaveLength(16_002);
  expect(performance.now() - begun).toBeLessThan(1000);
});
