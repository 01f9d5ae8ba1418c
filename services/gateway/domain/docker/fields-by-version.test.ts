import { expect, test } from 'vitest';
import { forVersion } from './fields-by-version.js';

test.each([
  ['1.48', ['BridgeNfIp6tables', 'BridgeNfIptables']],
  ['1.49', ['BridgeNfIp6tables', 'BridgeNfIptables', 'FirewallBackend']],
  ['1.50', ['FirewallBackend']],
])('/info of version %s has %j', (version, names) =>
  expect(Object.keys(forVersion('info', { FirewallBackend: {}, BridgeNfIptables: true, BridgeNfIp6tables: true }, version)).toSorted()).toEqual(names));

test.each([
  ['1.44', true],
  ['1.45', false],
])("an image's ContainerConfig is shown in version %s: %o", (version, isShown) => expect('ContainerConfig' in forVersion('imageInspect', {}, version)).toBe(isShown));

test('registries of before 1.47 had lists that were always empty', () => {
  expect(forVersion('registryConfig', { Mirrors: [] }, '1.46')).toEqual({ Mirrors: [], AllowNondistributableArtifactsCIDRs: null, AllowNondistributableArtifactsHostnames: null });
  expect(forVersion('registryConfig', { Mirrors: [] }, '1.47')).toEqual({ Mirrors: [] });
});
