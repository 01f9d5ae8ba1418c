import { expect, test } from 'vitest';
import { encodeImageName } from './image-paths.js';

test.each([
  ['GET', '/images/a/b:c/json', '/images/a%2Fb:c/json'],
  ['GET', '/images/json', '/images/json'],
  ['GET', '/images/get', '/images/get'],
  ['POST', '/images/h:5000/a/b/tag', '/images/h:5000%2Fa%2Fb/tag'],
  ['POST', '/images/load', '/images/load'],
  ['DELETE', '/images/a/json', '/images/a%2Fjson'],
])('%s %s is routed as %s', (method, path, routed) => expect(encodeImageName(method, path)).toBe(routed));
