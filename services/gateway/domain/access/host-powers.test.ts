import { expect, test } from 'vitest';
import { powersOf } from './host-powers.js';

test.each([[{ MaskedPaths: [] }], [{ ReadonlyPaths: [] }], [{ MaskedPaths: ['/proc/kcore'] }]])('%j shows more of the host than other containers see', (hostConfig) => expect(powersOf(hostConfig)).toEqual(['security-options']));
test('who leaves them open asks for nothing', () => expect(powersOf({ MaskedPaths: null, SecurityOpt: [], CapAdd: null })).toEqual([]));
