import { expect, test } from 'vitest';
import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { EndpointSettings } from '#contracts/containers/container-state.js';
import { noRun, type PresentContainer } from '../container/container-state.js';
import { linkFacts, linkNames, linksOf, linksToKeep, parseLinkName, shownLink, withoutLink } from './links.js';

const endpoint: EndpointSettings = { network: 'bridge', networkId: 'n', endpointId: 'e', bridge: 'b', address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1', mac: '', mtu: 1500, ports: [] };

const made = (name: string, hostConfig: HostConfig = {}, config: ContainerConfig = {}, status: 'running' | 'exited' = 'running'): PresentContainer => ({
  status, restartCount: 0, restartDelayMs: 0, run: { ...noRun, endpoint },
  spec: { id: `${name}0`, name, createdAt: '', config: { Hostname: `${name}-host`, ...config }, hostConfig, imageId: '', imageRef: '', layers: [], path: 'sh', args: [], mounts: [] },
});

const there = [made('db'), made('rider', { NetworkMode: 'container:db0' }), made('hosted', { NetworkMode: 'host' }), made('alone', { NetworkMode: 'none' })];
const find = (reference: string): PresentContainer | undefined => there.find(({ spec }) => spec.name === reference || spec.id === reference);
const keep = (links: string[], NetworkMode = 'bridge'): string[] => linksToKeep({ NetworkMode, Links: links }, find);

test('a link is kept by id, with its alias, once; through another\'s network it leads to that other', () => {
  expect(keep(['db', 'db:store', 'rider:r', 'alone:db'])).toEqual(['db0:db', 'db0:store', 'db0:r']);
  expect(keep(['/db:/web/store', 'db:'])).toEqual(['db0:store']);
});

test.each([
  [[':x'], 'bridge', 'invalid', 'could not get container for : invalid name or ID supplied: ""'],
  [['lost:x'], 'bridge', 'invalid', 'could not get container for lost: No such container: lost'],
  [['a:b:c'], 'bridge', 'unclassified', 'bad format for links: a:b:c'],
  [[''], 'bridge', 'unclassified', 'empty string specified for links'],
  [['hosted'], 'bridge', 'invalid', "conflicting options: host type networking can't be used with links. This would result in undefined behavior"],
  [['db'], 'host', 'invalid', "conflicting options: host type networking can't be used with links. This would result in undefined behavior"],
  [['db'], 'container:db', 'invalid', "conflicting options: container type network can't be used with links. This would result in undefined behavior"],
  [['db'], 'mine', 'not-implemented', 'links on the network mine'],
])('%j on %s is refused', (links, mode, kind, message) => {
  expect(() => keep(links, mode)).toThrow(expect.objectContaining({ kind, message: expect.stringContaining(message) as string }) as Error);
});

test('a start has the other\'s names, ports and variables', () => {
  const db = made('db', {}, { ExposedPorts: { '81/tcp': {}, '80': {}, '82/tcp': {}, '80/udp': {}, '443/tcp': {} }, Env: ['PATH=/bin', 'HOME=/', 'A=b=c', 'HOMES=2', 'EMPTY='] });
  const web = made('web', { Links: ['db0:my-db', 'gone0:x'] });
  const links = linksOf(web.spec.hostConfig, (id) => (id === 'db0' ? db : undefined));
  expect(links.map((link) => shownLink('web', link))).toEqual(['/db:/web/my-db']);
  const { hosts, environment } = linkFacts(web, links);
  expect(hosts).toEqual(['my-db db-host db:172.17.0.2']);
  expect(environment).toEqual([
    'MY_DB_PORT=tcp://172.17.0.2:80',
    'MY_DB_PORT_80_TCP_START=tcp://172.17.0.2:80', 'MY_DB_PORT_80_TCP_ADDR=172.17.0.2', 'MY_DB_PORT_80_TCP_PROTO=tcp', 'MY_DB_PORT_80_TCP_PORT_START=80',
    'MY_DB_PORT_80_TCP_END=tcp://172.17.0.2:82', 'MY_DB_PORT_80_TCP_PORT_END=82',
    ...[['80', 'tcp'], ['80', 'udp'], ['81', 'tcp'], ['82', 'tcp'], ['443', 'tcp']].flatMap(([port = '', protocol = '']) => {
      const key = `MY_DB_PORT_${port}_${protocol.toUpperCase()}`;
      return [`${key}=${protocol}://172.17.0.2:${port}`, `${key}_ADDR=172.17.0.2`, `${key}_PORT=${port}`, `${key}_PROTO=${protocol}`];
    }),
    'MY_DB_NAME=/web/my-db', 'MY_DB_ENV_A=b=c', 'MY_DB_ENV_HOMES=2', 'MY_DB_ENV_EMPTY=',
  ]);
});

test('a start needs the other end to run, on the default bridge; off the bridge there is nothing to have', () => {
  const web = made('web');
  expect(() => linkFacts(web, [{ alias: 'd', target: made('db', {}, {}, 'exited') }])).toThrow(expect.objectContaining({ kind: 'unclassified', message: 'Cannot link to a non running container: /db AS /web/d' }) as Error);
  expect(() => linkFacts(web, [{ alias: 'd', target: made('db', { NetworkMode: 'none' }) }])).toThrow('Cannot link to /db, as it does not belong to the default network');
  expect(linkFacts(made('web', { NetworkMode: 'none' }), [{ alias: 'd', target: made('db') }])).toEqual({ hosts: [], environment: [] });
});

test('a link is a name of whom it leads to, until it is removed', () => {
  const [web, other] = [made('web', { Links: ['db0:my-db', 'db0:db', 'alone0:db0'] }), made('other', { Links: ['db0:db'] })];
  expect([...linkNames([web, other])]).toEqual([['db0', ['web/my-db', 'web/db', 'other/db']], ['alone0', ['web/db0']]]);
  expect(withoutLink(web.spec.hostConfig, 'db')).toEqual({ Links: ['db0:my-db', 'alone0:db0'] });
  expect(['web/db', '/web/db', 'web', '/web', 'web/'].map(parseLinkName)).toEqual([{ owner: 'web', alias: 'db' }, { owner: 'web', alias: 'db' }, undefined, undefined, undefined]);
});
