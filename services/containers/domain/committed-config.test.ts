import { expect, test } from 'vitest';
import { committedConfig } from './committed-config.js';

const container = { Image: 'busybox', Cmd: ['sleep', '1'], Entrypoint: null, Env: ['PATH=/bin', 'A=1'], Labels: { a: '1' }, WorkingDir: '/w', User: '5', Volumes: { '/v': {} }, Healthcheck: { Test: ['CMD', 'true'], Retries: 3 } };

test('an image is the container and what was changed', () => {
  const image = committedConfig(container, ['ENV A=2 B="3 4"', 'WORKDIR sub', 'EXPOSE 80', 'VOLUME ["/x"]', 'HEALTHCHECK --retries=5 CMD exit 1', 'ONBUILD RUN x']);
  expect(image).toMatchObject({ Cmd: ['sleep', '1'], Env: ['PATH=/bin', 'A=2', 'B=3 4'], WorkingDir: '/w/sub', ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {}, '/x': {} }, OnBuild: ['RUN x'] });
  expect(image.Healthcheck).toEqual({ Test: ['CMD-SHELL', 'exit 1'], Retries: 5 });
});

test('a configuration of one\'s own takes from the container what it leaves open; an entrypoint of its own, no command', () => {
  expect(committedConfig(container, [], { Env: ['A=9'], Labels: { b: '2' } })).toMatchObject({ Cmd: ['sleep', '1'], Env: ['A=9', 'PATH=/bin'], Labels: { a: '1', b: '2' }, User: '5', WorkingDir: '/w' });
  expect(committedConfig(container, [], { Entrypoint: ['/run'] })).toMatchObject({ Entrypoint: ['/run'], Cmd: null });
});

test.each(['RUN true', 'HEALTHCHECK MAYBE', 'ONBUILD ONBUILD RUN x', 'HEALTHCHECK --colour=red CMD x', 'CMD --colour=red'])('%s is refused', (change) => {
  expect(() => committedConfig(container, [change])).toThrow();
});
