import { describe, expect, test } from 'vitest';
import { canonical, familiar, parseNewTag, parseReference, parseTagged } from './reference.js';

const hex = 'a'.repeat(64);

describe('references', () => {
  test.each([
    ['debian', 'docker.io/library/debian', 'debian'],
    ['debian:12', 'docker.io/library/debian:12', 'debian:12'],
    ['me/app', 'docker.io/me/app', 'me/app'],
    ['docker.io/library/debian', 'docker.io/library/debian', 'debian'],
    ['index.docker.io/me/app:1', 'docker.io/me/app:1', 'me/app:1'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/a/b:t', 'localhost:5000/a/b:t', 'localhost:5000/a/b:t'],
    ['host.example/a', 'host.example/a', 'host.example/a'],
    [`debian@sha256:${hex}`, `docker.io/library/debian@sha256:${hex}`, `debian@sha256:${hex}`],
    [`debian:1@sha256:${hex}`, `docker.io/library/debian:1@sha256:${hex}`, `debian:1@sha256:${hex}`],
  ])('%s means %s and is shown as %s', (text, full, short) => {
    const reference = parseReference(text);
    expect(canonical(reference)).toBe(full);
    expect(familiar(reference)).toBe(short);
    expect(parseReference(familiar(reference))).toEqual(reference);
  });

  test.each(['', 'A', 'a//b', '/a', 'a/', 'a:', 'a:b:c', '-a', 'a@sha256:1', 'a b', 'a/../b', hex, `${'a/'.repeat(130)}a`])('"%s" is refused', (text) => {
    expect(() => parseReference(text)).toThrow(/invalid|repository name/);
  });

  test.each([
    [`debian@sha256:${hex}`, 'refusing to create a tag with a digest reference'],
    ['sha256:aa', 'refusing to create an ambiguous tag using digest algorithm as name'],
    ['docker.io/library/sha256', 'refusing to create an ambiguous tag using digest algorithm as name'],
  ])('no image can be tagged %s', (text, message) => expect(() => parseNewTag(text)).toThrow(message));

  test('a new tag is latest where it tells none, and may be called like a digest elsewhere', () => expect([parseNewTag('docker.io/library/debian'), parseNewTag('me/sha256:aa')]).toEqual(['debian:latest', 'me/sha256:aa']));

  test('without tag and digest, latest is meant', () => {
    expect(familiar(parseTagged('debian'))).toBe('debian:latest');
    expect(familiar(parseTagged(`debian@sha256:${hex}`))).toBe(`debian@sha256:${hex}`);
  });
});
