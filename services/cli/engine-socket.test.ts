import { expect, test } from 'vitest';
import { engineSocket } from './engine-socket.js';

test.each([
  [{}, '/run/berth/docker.sock'],
  [{ BERTH_RUN_ROOT: '/run/other' }, '/run/other/docker.sock'],
  [{ DOCKER_HOST: 'unix:///run/one.sock' }, '/run/one.sock'],
  [{ DOCKER_HOST: '' }, '/run/berth/docker.sock'],
  [{ DOCKER_HOST: 'unix:///run/one.sock', BERTH_SOCKET: '/run/two.sock' }, '/run/two.sock'],
  [{ DOCKER_HOST: 'tcp://127.0.0.1:2375', BERTH_RUN_ROOT: '/run/other' }, '/run/other/docker.sock'],
])('of %o the socket is %s', (env, socket) => expect(engineSocket(env)).toBe(socket));

test('an engine that is no unix socket is refused by its name', () => expect(() => engineSocket({ DOCKER_HOST: 'tcp://127.0.0.1:2375' })).toThrow('DOCKER_HOST is tcp://127.0.0.1:2375'));
