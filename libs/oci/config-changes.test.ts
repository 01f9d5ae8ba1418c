import { describe, expect, test } from 'vitest';
import { applyChanges } from './config-changes.js';

const base = { Env: ['PATH=/bin', 'X=1'], Cmd: ['sh'], WorkingDir: '/w', Healthcheck: { Test: ['CMD', 'old'], Retries: 4 } };

describe('changes of an image', () => {
  test.each([
    [['ENV PATH=/opt/x:$PATH Y="a b" Z=$Y', 'ENV X=${PATH##*:} W=$Y'], { Env: ['PATH=/opt/x:/bin', 'X=/bin', 'Y=a b', 'Z=', 'W=a b'] }],
    [['ENV Q the "rest" of $X'], { Env: ['PATH=/bin', 'X=1', 'Q=the rest of 1'] }],
    [['ENV a=1\nENV b=2'], { Env: ['PATH=/bin', 'X=1', 'a=1', 'b=2'] }],
    [['ENV a=1 \\', 'b=2'], { Env: ['PATH=/bin', 'X=1', 'a=1', 'b=2'] }],
    [['LABEL "a b"="c" d=$X'], { Labels: { 'a b': 'c', d: '1' } }],
    [['EXPOSE 80/udp 81-83 8080:90/TCP'], { ExposedPorts: { '80/udp': {}, '81/tcp': {}, '82/tcp': {}, '83/tcp': {}, '90/tcp': {} } }],
    [['ENV P="80 443"', 'EXPOSE $P'], { Env: ['PATH=/bin', 'X=1', 'P=80 443'], ExposedPorts: { '80/tcp': {}, '443/tcp': {} } }],
    [['VOLUME ["/a b", "/$X"]', 'VOLUME /c /d'], { Volumes: { '/a b': {}, '/1': {}, '/c': {}, '/d': {} } }],
    [['USER $NO', 'WORKDIR ${NO:-dflt}', 'WORKDIR sub/'], { User: '', WorkingDir: '/w/dflt/sub' }],
    [['USER a b', 'STOPSIGNAL ${NO:-SIGQUIT}'], { User: 'a b', StopSignal: 'SIGQUIT' }],
    [['CMD echo $X', 'ENTRYPOINT ["a", "$X"]'], { Cmd: ['/bin/sh', '-c', 'echo $X'], Entrypoint: ['a', '$X'] }],
    [['ENTRYPOINT a b'], { Cmd: undefined, Entrypoint: ['/bin/sh', '-c', 'a b'] }],
    [["CMD ['x']"], { Cmd: ['/bin/sh', '-c', "['x']"] }],
    [['ONBUILD RUN echo $X', 'onbuild copy a b'], { OnBuild: ['RUN echo $X', 'copy a b'] }],
    [['HEALTHCHECK --interval=1m30s --timeout=.5s --start-period=0 --start-interval=1s --retries=0 CMD a  b'], { Healthcheck: { Test: ['CMD-SHELL', 'a  b'], Interval: 90e9, Timeout: 0.5e9, StartInterval: 1e9 } }],
    [['HEALTHCHECK CMD ["a", "b"]'], { Healthcheck: { Test: ['CMD', 'a', 'b'] } }],
    [['healthcheck none'], { Healthcheck: { Test: ['NONE'] } }],
  ])('%j', (changes, changed) => {
    const config = applyChanges(changes, base);
    expect({ ...config, ...(('Cmd' in changed && changed.Cmd === undefined) ? { Cmd: undefined } : {}) }).toEqual({ ...base, ...changed });
    expect('Cmd' in config).toBe(!('Cmd' in changed && changed.Cmd === undefined));
  });

  test('no change is none', () => expect(applyChanges([], base)).toEqual(base));

  // As Debian's dockerd 28.5 says it.
  test.each([
    ['', 'file with no instructions'],
    ['RUN x', 'RUN is not a valid change command'],
    ['from y', 'from is not a valid change command'],
    ['ENV', 'ENV requires at least one argument'],
    ['ENV A=1 B', 'Syntax error - can\'t find = in "B". Must be of the form: name=value'],
    ['ENV A=${', "missing '}'"],
    ['EXPOSE foo', 'Invalid containerPort: foo'],
    ['EXPOSE 83-81', 'Invalid containerPort: 83-81'],
    ['EXPOSE 65536', 'Invalid containerPort: 65536'],
    ['EXPOSE 80/icmp', 'Invalid proto: icmp'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    [`EXPOSE ${'0-65535 '.repeat(2000)}`, 'more ports are exposed than there are'],
    ['STOPSIGNAL FOO', 'invalid signal: FOO'],
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['WORKDIR $NO', 'cannot normalize nothing'],
    ['USER', 'USER requires exactly one argument'],
    ['VOLUME', 'VOLUME requires at least one argument'],
    ['VOLUME []', 'VOLUME requires at least one argument'],
    ['VOLUME ["/x", ""]', 'VOLUME specified can not be an empty string'],
    ['VOLUME $NO', 'VOLUME specified can not be an empty string'],
    ['CMD --x y', 'unknown flag: --x'],
    ['CMD ["a", 1]', 'arrays must be comprised of strings only'],
    ['ONBUILD', 'ONBUILD requires at least one argument'],
    ['ONBUILD FROM x', "FROM isn't allowed as an ONBUILD trigger"],
    ['ONBUILD ONBUILD x', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['HEALTHCHECK NONE x', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK foo x', 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK --interval=0.5ms CMD x', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --interval=-1s CMD x', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --interval=5 CMD x', 'time: missing unit in duration "5"'],
    ['HEALTHCHECK --interval=5x CMD x', 'time: invalid duration "5x"'],
    ['HEALTHCHECK --retries=-1 CMD x', '--retries cannot be negative (-1)'],
    ['HEALTHCHECK --retries=x CMD x', 'invalid syntax'],
    ['HEALTHCHECK --x=1 CMD x', 'unknown flag: --x'],
  ])('%s is refused', (change, message) => expect(() => applyChanges([change], base)).toThrow(message));
});

test.each([
  ['labels', `LABEL ${Array.from({ length: 100 }, (_, number) => `a${number}=$x`).join(' ')}`],
  ['ports', `EXPOSE ${'$x '.repeat(100)}`],
  ['a path', Array.from({ length: 100 }, () => 'WORKDIR $x').join('\n')],
])('a variable that is doubled and then named in %s is refused before it fills the memory', (_, named) => {
  const doubled = ['ENV x=1', ...Array.from({ length: 19 }, () => 'ENV x=$x$x')];
  expect(applyChanges([...doubled, 'LABEL a=$x b=$x'])).toMatchObject({ Labels: { b: '1'.repeat(1 << 19) } });
  expect(() => applyChanges([...doubled, named])).toThrow('the changes have more than 8388608 characters once their variables are filled in');
});

test('patterns of substitutions hold nobody up, however many there are', () => {
  const doubled = ['ENV x=a', ...Array.from({ length: 19 }, () => 'ENV x=$x$x')];
  const begun = performance.now();
  const pattern = '*a'.repeat(100);
  for (const substitution of [`//${pattern}b/c`, `##${pattern}b`, `%%b${pattern}`]) expect(() => applyChanges([...doubled, `LABEL a=\${x${substitution}}`])).toThrow('the patterns of substitutions take too long');
  expect(performance.now() - begun).toBeLessThan(10_000);
  expect(() => applyChanges([...Array.from({ length: 17 }, () => 'WORKDIR a'), ...doubled, 'WORKDIR $x', ...Array.from({ length: 17 }, () => 'WORKDIR a')])).toThrow('the changes have more than');
});

test('one of nothing but blanks, or of a million words, holds nobody up', () => {
  const begun = performance.now();
  for (const change of [`CMD${' '.repeat(1_000_000)}`, `ENV${' '.repeat(1_000_000)}a=b`, `LABEL a="${'\\ '.repeat(300_000)}"`]) {
    try {
      applyChanges([change]);
    } catch {
      // refused, but soon
    }
  }
  expect(performance.now() - begun).toBeLessThan(3000);
});
