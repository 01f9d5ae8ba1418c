import { describe, expect, test } from 'vitest';
import { grantOf } from './policy.js';
import { readPolicy } from './read-policy.js';

const policyOf = (...grants: readonly object[]) => readPolicy(JSON.stringify({ grants }));
const onSocket = (uid: number, gid: number, groups: readonly number[] = []) => ({ by: 'socket', uid, gid, groups, pid: 1 }) as const;

describe('the first grant that fits', () => {
  const policy = policyOf(
    { to: { uid: 0 }, role: 'admin' },
    { to: { gid: 50 }, role: 'operator', labels: { team: 'web' }, allows: ['bind-mounts'] },
    { to: { commonName: 'alice', organisationalUnit: 'ops' }, role: 'admin' },
    { to: { organisationalUnit: 'ops' }, role: 'operator' },
    { to: { anyone: true }, role: 'reader' },
  );

  test.each([
    ['root', onSocket(0, 50), 'admin'],
    ['a primary group', onSocket(7, 50), 'operator'],
    ['a supplementary group', onSocket(7, 7, [3, 50]), 'operator'],
    ['anybody else', onSocket(7, 7), 'reader'],
    ['a name and its unit', { by: 'certificate', commonName: 'alice', organisationalUnits: ['ops'] }, 'admin'],
    ['the same name of another unit', { by: 'certificate', commonName: 'alice', organisationalUnits: ['web'] }, 'reader'],
    ['one of several units', { by: 'certificate', commonName: 'bob', organisationalUnits: ['web', 'ops'] }, 'operator'],
    ['no certificate', { by: 'loopback' }, 'reader'],
  ] as const)('%s', (_, caller, role) => expect(grantOf(policy, caller)?.role).toBe(role));

  test('is none where none fits', () => expect(grantOf(policyOf({ to: { uid: 1 }, role: 'admin' }), onSocket(2, 1, [1]))).toBeUndefined());
});

describe('a slip is told by its place', () => {
  test.each([
    ['{', /it is not JSON/],
    ['[]', /the policy has to be an object/],
    ['{"grants": {}}', /grants has to be a list/],
    ['{"grant": []}', /the policy has a "grant"/],
    ['{"grants": [{"to": {"uid": 1}, "role": "boss"}]}', /grants\[0\]\.role is "boss": one of reader, operator, admin/],
    ['{"grants": [{"to": {"uid": 1}}]}', /grants\[0\]\.role is missing/],
    ['{"grants": [{"to": {"uid": 1}, "role": "admin"}, {"to": {"uid": "1"}, "role": "admin"}]}', /grants\[1\]\.to\.uid is "1": a number/],
    ['{"grants": [{"to": {"uid": 4294967295}, "role": "admin"}]}', /grants\[0\]\.to\.uid is 4294967295/],
    ['{"grants": [{"to": {"gid": -1}, "role": "admin"}]}', /grants\[0\]\.to\.gid is -1/],
    ['{"grants": [{"to": {"gid": 1.5}, "role": "admin"}]}', /grants\[0\]\.to\.gid is 1.5/],
    ['{"grants": [{"to": {}, "role": "admin"}]}', /grants\[0\]\.to names nobody/],
    ['{"grants": [{"to": {"anyone": true, "uid": 1}, "role": "admin"}]}', /"anyone" stands alone/],
    ['{"grants": [{"to": {"anyone": "yes"}, "role": "admin"}]}', /grants\[0\]\.to\.anyone can only be true/],
    ['{"grants": [{"to": {"uid": 1, "commonName": "a"}, "role": "admin"}]}', /fits nobody/],
    ['{"grants": [{"to": {"uid": 1}, "role": "admin", "label": {}}]}', /grants\[0\] has a "label"/],
    ['{"grants": [{"to": {"uid": 1}, "role": "operator", "labels": {"team": 1}}]}', /grants\[0\]\.labels\["team"\] has to be a text/],
    ['{"grants": [{"to": {"uid": 1}, "role": "operator", "allows": ["root"]}]}', /grants\[0\]\.allows\[0\] is "root"/],
    ['{"grants": [{"to": {"uid": 1}, "role": "reader", "labels": {"team": "web"}}]}', /grants\[0\]\.labels: labels hold an operator; a reader changes nothing/],
    ['{"grants": [{"to": {"uid": 1}, "role": "admin", "allows": ["devices"]}]}', /an admin may everything/],
  ])('%s', (text, message) => expect(() => readPolicy(text)).toThrow(message));
});
