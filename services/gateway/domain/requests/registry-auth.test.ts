import { expect, test } from 'vitest';
import { readCredentials, readRegistryAuth } from './registry-auth.js';

const header = (fields: object): string => Buffer.from(JSON.stringify(fields)).toString('base64url');

test('whoever pulls may bring name and password, or a token', () => {
  expect(readRegistryAuth(header({ username: 'sinbad', password: 'open sesame', email: '', more: 1 }))).toEqual({ username: 'sinbad', password: 'open sesame' });
  expect(readRegistryAuth(header({ registrytoken: 'of the registry', identitytoken: '' }))).toEqual({ registrytoken: 'of the registry' });
  expect(readRegistryAuth(header({}))).toBeUndefined();
  // As dockerd, which pulls all the same.
  for (const rubbish of ['!!!', 'cnViYmlzaA==', header([])]) expect(readRegistryAuth(rubbish)).toBeUndefined();
});

test('nobody logs in with a token of a registry', () => expect(readCredentials({ username: 'sinbad', registrytoken: 'of the registry' })).toEqual({ username: 'sinbad' }));
