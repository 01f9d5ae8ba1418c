import { expect, test } from 'vitest';
import { encodeLinkName } from './link-paths.js';

test.each([
  ['GET', '/containers/web/db/json', '/containers/web%2Fdb/json'],
  ['GET', '/containers//web/db/json', '/containers/web%2Fdb/json'],
  ['POST', '/containers/web/db/exec', '/containers/web%2Fdb/exec'],
  ['GET', '/containers/web/db/attach/ws', '/containers/web%2Fdb/attach/ws'],
  ['DELETE', '/containers/web/db', '/containers/web%2Fdb'],
  ['DELETE', '/containers/web', '/containers/web'],
  ['GET', '/containers/web/json', '/containers/web/json'],
  ['GET', '/containers/web/attach/ws', '/containers/web/attach/ws'],
  ['DELETE', '/containers/web/checkpoints/one', '/containers/web/checkpoints/one'],
  ['GET', '/containers/web/db/nothing', '/containers/web/db/nothing'],
])('of links, %s %s is routed as %s', (method, path, routed) => expect(encodeLinkName(method, path)).toBe(routed));
