import { expect, test } from 'vitest';
import { isByName } from './exec-user.js';

test.each(['', '0', '1000:', ':50', '1000:50', '2147483647'])('"%s" has no name in it', (user) => expect(isByName(user)).toBe(false));
test.each(['root', '0:wheel', ':wheel', ' 0', '-1', '0x10', '1:2:3'])('"%s" has a name in it', (user) => expect(isByName(user)).toBe(true));
test.each(['2147483648', '0:99999999999999999999'])('%s is out of range', (user) => expect(() => isByName(user)).toThrow('uids and gids must be in range 0-2147483647'));
