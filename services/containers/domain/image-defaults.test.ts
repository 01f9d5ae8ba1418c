import { expect, test } from 'vitest';
import type { ImageRunConfig, ImageView } from '#contracts/images/images.js';
import { commandLine, withImageDefaults } from './image-defaults.js';

const image = (config: ImageRunConfig): ImageView => ({
  id: 'sha256:1', repoTags: [], repoDigests: [], createdAt: '', sizeBytes: 0, architecture: 'amd64', os: 'linux', variant: '', author: '', comment: '', config, diffIds: [], layers: [], layerBytes: [], history: [],
});
const id = '0123456789abcdef';
const both = image({ Entrypoint: ['/entry'], Cmd: ['serve'] });
const argvOf = (config: Parameters<typeof withImageDefaults>[0], from = both) => commandLine(withImageDefaults(config, from, id));

test('without words of its own a container runs what its image says', () => expect(argvOf({})).toEqual(['/entry', 'serve']));
test('a command of its own goes to the image\'s entrypoint', () => expect(argvOf({ Cmd: ['debug', '-v'] })).toEqual(['/entry', 'debug', '-v']));
test('an entrypoint of its own makes the image\'s command meaningless', () => {
  expect(argvOf({ Entrypoint: ['sh'] })).toEqual(['sh']);
  expect(argvOf({ Entrypoint: ['sh'], Cmd: ['-c', 'true'] })).toEqual(['sh', '-c', 'true']);
});
test('an empty entrypoint takes the image\'s away, and one of no words leaves its command', () => {
  expect(argvOf({ Entrypoint: [''], Cmd: ['ls'] })).toEqual(['ls']);
  expect(() => argvOf({ Entrypoint: [''] })).toThrow('no command specified');
  expect(argvOf({ Entrypoint: [], Cmd: ['ls'] })).toEqual(['ls']);
  expect(argvOf({ Entrypoint: [] })).toEqual(['serve']);
  expect(argvOf({ Entrypoint: null, Cmd: [] })).toEqual(['/entry', 'serve']);
});
test('a word that names nothing is for the start to find out', () => {
  expect(argvOf({ Cmd: [''] }, image({}))).toEqual(['']);
  expect(argvOf({ Entrypoint: ['', 'a'] })).toEqual(['', 'a']);
});
test('a working directory is kept without what goes nowhere, and a relative one is refused', () => {
  const directoryOf = (own: string, ofImage = '/image') => withImageDefaults({ WorkingDir: own }, image({ WorkingDir: ofImage }), id).WorkingDir;
  expect([directoryOf('/a/../b//'), directoryOf('/..'), directoryOf(''), directoryOf('', '')]).toEqual(['/b', '/', '/image', '']);
  expect(() => directoryOf('rel')).toThrow("the working directory 'rel' is invalid, it needs to be an absolute path");
});
test('a container with nothing to run is refused', () => expect(() => argvOf({}, image({}))).toThrow('no command specified'));

test('user, folder and stop signal come from the image unless the client names them', () => {
  const from = image({ User: 'app', WorkingDir: '/srv', StopSignal: 'SIGQUIT' });
  expect(withImageDefaults({}, from, id)).toMatchObject({ User: 'app', WorkingDir: '/srv', StopSignal: 'SIGQUIT' });
  expect(withImageDefaults({ User: 'root', WorkingDir: '/', StopSignal: 'INT' }, from, id)).toMatchObject({ User: 'root', WorkingDir: '/', StopSignal: 'INT' });
});

test('labels, volumes and ports of image and client add up, the client\'s win', () => {
  const from = image({ Labels: { a: 'image', b: 'image' }, Volumes: { '/data': {} }, ExposedPorts: { '80/tcp': {} } });
  expect(withImageDefaults({ Labels: { a: 'client' }, Volumes: { '/more': {} }, ExposedPorts: { '81/tcp': {} } }, from, id)).toMatchObject({
    Labels: { a: 'client', b: 'image' }, Volumes: { '/data': {}, '/more': {} }, ExposedPorts: { '80/tcp': {}, '81/tcp': {} },
  });
});

test('the host name is the beginning of the id unless one is given', () => {
  expect(withImageDefaults({}, both, id).Hostname).toBe('0123456789ab');
  expect(withImageDefaults({ Hostname: 'web' }, both, id).Hostname).toBe('web');
});
