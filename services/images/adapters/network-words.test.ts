import { expect, test } from 'vitest';
import { networkWords } from './network-words.js';

const failed = (fields: object, message = 'said by Node'): Error => Object.assign(new Error(message), fields);

test.each([
  [failed({ code: 'ECONNREFUSED', address: '127.0.0.1', port: 4999 }), 'dial tcp 127.0.0.1:4999: connect: connection refused'],
  [failed({ code: 'ECONNREFUSED', address: '::1', port: 80 }), 'dial tcp [::1]:80: connect: connection refused'],
  [new AggregateError([failed({ code: 'ENETUNREACH', address: '10.0.0.1', port: 443 }), failed({ code: 'ECONNREFUSED' })]), 'dial tcp 10.0.0.1:443: connect: network is unreachable'],
  [failed({ code: 'ENOTFOUND', hostname: 'nowhere.test' }), 'dial tcp: lookup nowhere.test: no such host'],
  [failed({ code: 'ECONNRESET' }), 'read: connection reset by peer'],
  [failed({ code: 'CERT_HAS_EXPIRED' }, 'certificate has expired'), 'certificate has expired'],
  [failed({ code: 'ESOMETHING' }, ''), 'ESOMETHING'],
])('%s is told as Go tells it', (error, says) => expect(networkWords(error)).toBe(says));
