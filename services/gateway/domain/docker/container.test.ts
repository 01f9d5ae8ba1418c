import { expect, test } from 'vitest';
import type { ContainerView } from '#contracts/containers/container-state.js';
import { containerInspect, containerSummary } from './container.js';

const view: ContainerView = {
  id: 'a', name: 'web', createdAt: '2026-01-01T00:00:00.000Z', imageId: 'sha256:11', imageRef: 'app', path: 'sh', args: [], mounts: [],
  status: 'running', startNumber: 1, pid: 7, exitCode: 0, oomKilled: false, error: '', startedAt: '2026-01-01T00:00:01.000Z', finishedAt: '', restartCount: 0,
  config: { ExposedPorts: { '81-83/tcp': {}, '53/udp': {}, 80: {} } }, hostConfig: {}, execIds: [], logPath: '', directory: '',
};

test('lists tell annotations from version 1.46 on, where there are some', () => {
  const annotated = { ...view, hostConfig: { Annotations: { a: 'b' } } };
  expect(containerSummary(annotated, 0, '1.46')).toMatchObject({ HostConfig: { NetworkMode: expect.any(String) as string, Annotations: { a: 'b' } } });
  for (const summary of [containerSummary(annotated, 0, '1.45'), containerSummary(view, 0, '1.46')]) expect(summary).not.toHaveProperty('HostConfig.Annotations');
});

test('port bindings are null where nobody spoke of them', () => {
  const shown = (hostConfig: ContainerView['hostConfig']) => containerInspect({ ...view, hostConfig }, { storageDriver: 'overlay2', securityOptions: [], maskedPaths: [] }, '1.51');
  expect(shown({})).toMatchObject({ HostConfig: { PortBindings: null } });
  expect(shown({ PortBindings: {} })).toMatchObject({ HostConfig: { PortBindings: {} } });
  expect(shown({ PortBindings: { '80/tcp': [{ HostPort: '8080' }] } })).toMatchObject({ HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } } });
});

test.each([
  [{}, null],
  [{ IpcMode: 'shareable', SecurityOpt: ['no-new-privileges'] }, ['no-new-privileges']],
  [{ Privileged: true, SecurityOpt: ['no-new-privileges'] }, ['no-new-privileges', 'label=disable']],
  [{ PidMode: 'host' }, ['label=disable']],
  [{ IpcMode: 'host' }, ['label=disable']],
  [{ Privileged: true, SecurityOpt: ['label=user:x'] }, ['label=user:x']],
])('%j is shown with the security options %j', (hostConfig, shown) => {
  expect(containerInspect({ ...view, hostConfig }, { storageDriver: 'overlay2', securityOptions: [], maskedPaths: [] }, '1.51')).toMatchObject({ HostConfig: { SecurityOpt: shown } });
});

test('of a mount is told what was said of it', () => {
  const mounts = [{ Type: 'volume' as const, Source: '', Target: '/x', ReadOnly: false, VolumeOptions: { NoCopy: true, Labels: { a: '' }, DriverConfig: { Name: '' } } }, { Type: 'bind' as const, Source: '/y', Target: '/y', ReadOnly: true, BindOptions: {} }];
  expect(containerInspect({ ...view, hostConfig: { Mounts: mounts } }, { storageDriver: 'overlay2', securityOptions: [], maskedPaths: [] }, '1.51')).toMatchObject({
    HostConfig: { Mounts: [{ Type: 'volume', Target: '/x', VolumeOptions: { NoCopy: true, Labels: { a: '' }, DriverConfig: {} } }, { Type: 'bind', Source: '/y', Target: '/y', ReadOnly: true, BindOptions: {} }].map((mount) => expect.toSatisfy((shown) => JSON.stringify(shown) === JSON.stringify(mount)) as object) },
  });
});

test('the MAC address asked for is shown until the first start', () => {
  const asked = { ...view, config: { MacAddress: '02:42:ac:11:00:99' } };
  const macs = (shown: ContainerView): unknown => (containerInspect(shown, { storageDriver: 'overlay2', securityOptions: [], maskedPaths: [] }, '1.51') as { NetworkSettings: unknown }).NetworkSettings;
  expect(macs({ ...asked, status: 'created', startNumber: 0 })).toMatchObject({ MacAddress: '02:42:ac:11:00:99', Networks: { bridge: { MacAddress: '02:42:ac:11:00:99' } } });
  expect(macs({ ...asked, status: 'exited' })).toMatchObject({ MacAddress: '', Networks: { bridge: { MacAddress: '' } } });
});

test('an exposed port that is none, such as a range, is 0 and stays in the configuration as it is', () => {
  expect(containerSummary(view, 0, '1.51')).toMatchObject({ Ports: [{ PrivatePort: 0, Type: 'tcp' }, { PrivatePort: 53, Type: 'udp' }, { PrivatePort: 80, Type: 'tcp' }] });
  const inspected = containerInspect(view, { storageDriver: 'overlay2', securityOptions: [], maskedPaths: [] }, '1.51');
  expect(inspected).toMatchObject({ Config: { ExposedPorts: { '81-83/tcp': {} } }, NetworkSettings: { Ports: { '0/tcp': null, '53/udp': null, '80/tcp': null } } });
});

test('what builds and Windows have of a configuration is shown where it was asked for, and a disabled network as none', () => {
  const shown = (config: ContainerView['config']): unknown => containerInspect({ ...view, config }, { storageDriver: 'overlay2', securityOptions: [], maskedPaths: [] }, '1.51');
  const asked = { OnBuild: ['RUN true'], Shell: ['/bin/sh', '-c'], ArgsEscaped: true, NetworkDisabled: true };
  expect(shown(asked)).toMatchObject({ Config: asked, NetworkSettings: { Networks: {} }, HostConfig: { NetworkMode: 'bridge' } });
  expect(shown({ Shell: null, ArgsEscaped: false, NetworkDisabled: false })).toMatchObject({ Config: { OnBuild: null }, NetworkSettings: { Networks: { bridge: {} } } });
  for (const field of ['Shell', 'ArgsEscaped', 'NetworkDisabled']) expect(shown({})).not.toHaveProperty(`Config.${field}`);
  expect(containerSummary({ ...view, config: asked }, 0, '1.51')).toMatchObject({ NetworkSettings: { Networks: {} } });
});
