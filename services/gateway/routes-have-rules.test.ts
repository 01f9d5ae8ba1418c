import 'reflect-metadata';
import { RequestMethod } from '@nestjs/common';
import { describe, expect, test } from 'vitest';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { HOST_CONFIG } from './domain/requests/create-request.js';
import { isEngineRoute } from './domain/engine-routes.js';
import { decideRoute, refusalOf } from './domain/access/decide-access.js';
import { isKnownField, powersOf } from './domain/access/host-powers.js';
import { type Grant, ROLES } from './domain/access/policy.js';
import { RULED_ROUTES, ruleOf } from './domain/access/route-rules.js';
import { NO_WISH, wishOf } from './domain/access/request-wish.js';
import { GatewayModule } from './gateway.module.js';

/** Every route that a controller answers, "GET /containers/:id/json", as Nest's decorators have them. */
function routes(): string[] {
  const bus = { request: () => Promise.reject(new Error('nobody is asked')) };
  const { controllers = [] } = GatewayModule.for({ settings: { dataRoot: '/nowhere', runRoot: '/nowhere', apart: [], natsEmbedded: true } as unknown as EngineSettings, store: new MemoryEventStore(), bus });
  return controllers.flatMap((controller) => {
    const prefix = String(Reflect.getMetadata('path', controller)).replace(/^\/$/, '');
    const { prototype } = controller as { readonly prototype: Record<string, object> };
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const method: unknown = Reflect.getMetadata('method', prototype[name] ?? {});
      const path = String(Reflect.getMetadata('path', prototype[name] ?? {})).replace(/^\/$/, '');
      return typeof method === 'number' ? `${RequestMethod[method]} ${prefix}${path}` : [];
    });
  });
}

const bare = (route: string): string => route.slice(route.indexOf(' ') + 1).replaceAll(/:\w+/g, 'x');
const isReading = (route: string): boolean => /^(?:GET|HEAD) /.test(route);
/** Of what reads: that which copies files out of a container, an image or a container's terminal. */
const TAKES_FILES = ['GET /images/get', 'GET /images/:name/get', 'HEAD /containers/:id/archive', 'GET /containers/:id/archive', 'GET /containers/:id/export', 'GET /containers/:id/attach/ws'];
/** Of what posts: that which changes nothing. */
const ONLY_ASKS = ['POST /auth', 'POST /containers/:id/wait'];

describe('every route has a rule', () => {
  test.each(routes())('%s', (route) => expect(RULED_ROUTES).toContain(route));

  test('and every rule a route, of this gateway or of the Engine API', () => {
    const known = new Set(routes());
    expect(RULED_ROUTES.filter((route) => !known.has(route) && !isEngineRoute(route.slice(0, route.indexOf(' ')), bare(route)))).toEqual([]);
  });

  test('what has none is an admin\'s', () => expect(ruleOf('POST /new').needs).toBe('admin'));
});

describe.each(ROLES)('a %s', (role) => {
  const policy = { grants: [{ to: { uid: 7 }, role, labels: {}, allows: [] }] };
  const caller = { by: 'socket', uid: 7, gid: 7, groups: [], pid: 1 } as const;
  test.each(RULED_ROUTES)('%s', (route) => {
    const { verdict } = decideRoute(policy, caller, route);
    const mayEven = role === 'admin' || ruleOf(route).needs === 'nobody' || ONLY_ASKS.includes(route) || (isReading(route) && !TAKES_FILES.includes(route)) || (role === 'operator' && !/ \/plugins\/|\/revert$/.test(route));
    expect(verdict !== 'refuse').toBe(mayEven);
  });
});

test.each(RULED_ROUTES)('whom the policy does not name may not %s, unless it tells nothing', (route) => {
  const { verdict } = decideRoute({ grants: [] }, { by: 'unknown' }, route);
  expect(verdict).toBe(['GET /_ping', 'HEAD /_ping', 'GET /version'].includes(route) ? 'admit' : 'refuse');
});

describe('a create by an operator', () => {
  test.each([...HOST_CONFIG])('HostConfig.%s is known to give the host, or not to', (field) => expect(isKnownField(field)).toBe(true));

  const operator = (more: Partial<Grant>): Grant => ({ to: { uid: 7 }, role: 'operator', labels: {}, allows: [], ...more });
  test('an edit keeps the labels that an operator is held to, and mounts what it may', () => {
    const rule = ruleOf('POST /berth/containers/:name/edit');
    const wished = (body: object, grant = operator({ labels: { team: 'web' } })) => refusalOf(grant, rule, wishOf('edit', {}, body), []);
    expect(wished({ setLabels: { a: 'b', team: 'web' }, setEnv: ['A=b'], binds: ['data:/data'] })).toBeUndefined();
    for (const body of [{ setLabels: { team: 'db' } }, { unsetLabels: ['team'] }]) expect(wished(body)).toContain('has to keep the label team=web');
    for (const body of [{ binds: ['/etc:/etc'] }, { mounts: [{ Type: 'bind', Source: '/', Target: '/x' }] }]) {
      expect(wished(body)).toContain('bind-mounts');
      expect(wished(body, operator({ allows: ['bind-mounts'] }))).toBeUndefined();
    }
  });
  const refusal = (grant: Grant, hostConfig: object, labels: object = {}): string | undefined =>
    refusalOf(grant, ruleOf('POST /containers/create'), wishOf('container', {}, { Image: 'x', Labels: labels, HostConfig: hostConfig }), []);

  test.each([
    ['privileged', { Privileged: true }],
    ['privileged', { Privileged: 'yes' }], // of a type that it should not have
    ['host-namespaces', { NetworkMode: 'host' }],
    ['host-namespaces', { PidMode: 'host' }],
    ['host-namespaces', { IpcMode: 'host' }],
    ['host-namespaces', { UTSMode: 'host' }],
    ['host-namespaces', { CgroupnsMode: 'host' }],
    ['bind-mounts', { Binds: ['data:/d', '/etc:/x'] }],
    ['bind-mounts', { Binds: ['./etc:/x'] }],
    ['bind-mounts', { Mounts: [{ Type: 'bind', Source: '/etc', Target: '/x' }] }],
    ['bind-mounts', { Mounts: [{ Type: 'volume', Source: 'v', Target: '/x', VolumeOptions: { DriverConfig: { Options: { o: 'bind', device: '/etc', type: 'none' } } } }] }],
    ['bind-mounts', { Mounts: { 0: 'no list' } }],
    ['capabilities', { CapAdd: ['NET_RAW', 'SYS_ADMIN'] }],
    ['capabilities', { CapAdd: ['ALL'] }],
    ['devices', { Devices: [{ PathOnHost: '/dev/sda' }] }],
    ['devices', { DeviceCgroupRules: ['a *:* rwm'] }],
    ['security-options', { SecurityOpt: ['seccomp=unconfined'] }],
    ['security-options', { Runtime: 'crun' }],
    ['security-options', { LogConfig: { Type: 'syslog', Config: { 'syslog-address': 'unixgram:///run/x' } } }],
  ] as const)('needs %s for %j', (power, hostConfig) => {
    expect(powersOf(hostConfig)).toEqual([power]);
    const others = (['privileged', 'host-namespaces', 'bind-mounts', 'capabilities', 'devices', 'security-options'] as const).filter((one) => one !== power);
    expect(refusalOf(operator({ allows: others }), ruleOf('POST /containers/create'), { ...NO_WISH, powers: powersOf(hostConfig) }, [])).toContain(power);
    expect(refusalOf(operator({ allows: [power] }), ruleOf('POST /containers/create'), { ...NO_WISH, powers: powersOf(hostConfig) }, [])).toBeUndefined();
  });

  test('needs nothing for what every container may have', () => {
    const plain = { Binds: ['data:/d', '/anonymous'], Mounts: [{ Type: 'volume', Source: 'v', Target: '/x', VolumeOptions: { DriverConfig: { Name: 'local' } } }, { Type: 'tmpfs', Target: '/t' }], NetworkMode: 'none', CapAdd: ['cap_net_raw'], CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], Privileged: false, LogConfig: { Type: 'json-file' }, Memory: 1e9 };
    expect(refusal(operator({}), plain)).toBeUndefined();
  });

  test('has the labels that hold the operator, by its own body', () => {
    const web = operator({ labels: { team: 'web' } });
    expect(refusal(web, {})).toContain('team=web');
    expect(refusal(web, {}, { team: 'db' })).toContain('team=web');
    expect(refusal(web, {}, { team: 'web', tier: '1' })).toBeUndefined();
  });
});

describe('an operator who is held to team=web', () => {
  const web: Grant = { to: { uid: 7 }, role: 'operator', labels: { team: 'web' }, allows: [] };
  const own = { what: 'container a', labels: { team: 'web' }, powers: [] } as const;

  test.each(RULED_ROUTES.filter((route) => ruleOf(route).touches === 'container'))('%s: own containers alone', (route) => {
    expect(refusalOf(web, ruleOf(route), NO_WISH, [own])).toBeUndefined();
    expect(refusalOf(web, ruleOf(route), NO_WISH, [{ ...own, labels: { team: 'db' } }])).toContain('team=web');
    expect(refusalOf(web, ruleOf(route), NO_WISH, [{ ...own, labels: {} }])).toContain('team=web');
  });

  test.each(RULED_ROUTES.filter((route) => ruleOf(route).shared))('%s: not at all', (route) => expect(refusalOf(web, ruleOf(route), NO_WISH, [])).toContain('everybody'));

  test('pulls, and imports nothing under another\'s name', () => {
    const rule = ruleOf('POST /images/create');
    expect(refusalOf(web, rule, wishOf('image', { fromImage: 'busybox' }, undefined), [])).toBeUndefined();
    expect(refusalOf(web, rule, wishOf('image', { fromSrc: '-', repo: 'busybox' }, undefined), [])).toContain('everybody');
  });

  test('enters no container that may do more than its own', () => {
    expect(refusalOf(web, ruleOf('POST /containers/:id/exec'), NO_WISH, [{ ...own, powers: ['privileged'] }])).toContain('privileged');
    expect(refusalOf(web, ruleOf('POST /containers/:id/exec'), wishOf('exec', {}, { Cmd: ['sh'], Privileged: true }), [own])).toContain('privileged');
  });
});
