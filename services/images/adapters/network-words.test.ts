import { expect, test } from 'vitest';
import { networkWords } from './network-words.js';

const failed = (fields: object, message = 'said by Node'): Error => Object.assign(new Error(message), fields);

test.each([
  [failed({ code: 'ECONNREFUSED', address: '127.0.0.1', port: 4999 }), 'dial tcp 127.0.0.1:4999: connect: connection refused'],
  [failed({ code: 'ECONNREFUSED', address: '::1', port: 80 }), 'dial tcp [::1]:80: connect: connection refused'],
  [new AggregateError([failed({ code: 'ENETUNREACH', address: '10.0.0.1', port: 443 }), failed({ code: 'ECONNREFUSED' })]), 'dial tcp 10.0.0.1:443: connect: network is unreachable'],
  [failed({ code: 'ENOTFOUND', hostname: 'nowhere.test' }), 'dial tcp: lookup nowhere.test: no such host'],
  [failed({ code: 'ECONNRESET' }), 'read: connection reset by peer'],
  [failed({ code: 'CERT_HAS_EXPIRED' }, 'certificate has expired'), 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'],
  [failed({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }), 'tls: failed to verify certificate: x509: certificate signed by unknown authority'],
  [failed({ code: 'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE' }, '80C1:error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate:rec_layer_s3.c:916:SSL alert number 42\n'), 'remote error: tls: bad certificate'],
  [failed({}, 'tlsv1 alert:SSL alert number 255\n'), 'remote error: tls: alert(255)'],
  [failed({ code: 'ESOMETHING' }, ''), 'ESOMETHING'],
])('%s is told as Go tells it', (error, says) => expect(networkWords(error)).toBe(says));
