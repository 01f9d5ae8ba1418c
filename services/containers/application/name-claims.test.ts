import { expect, test } from 'vitest';
import type { RequestContext } from '#contracts/request.js';
import { conflict, unavailable } from '#libs/errors/errors.js';
import type { ContainerDirectory, Containers, Names } from './container-directory.js';
import { NameClaims } from './name-claims.js';

const asked: RequestContext = { actor: 'service:containers', correlationId: 'c', causationId: 'recovery' };

/** After a crash between the two appends of a creation: the container is there, and its name not claimed. */
async function settled(claim: () => Promise<never>): Promise<{ removed: string[]; failure: unknown }> {
  const removed: string[] = [];
  const names = { get: () => ({ state: { holder: '' } }), entries: () => [], execute: claim } as unknown as Names;
  const containers = { execute: (id: string, { type }: { type: string }) => (removed.push(`${type} ${id}`), Promise.resolve()) } as unknown as Containers;
  const directory = { all: () => [{ spec: { id: 'c1', name: 'web' }, status: 'created' }] } as unknown as ContainerDirectory;
  const failure = await new NameClaims(names, containers, directory).settle(asked).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { removed, failure };
}

test('a container whose name is another\'s by now goes', async () => {
  expect(await settled(() => Promise.reject(conflict('taken')))).toEqual({ removed: ['Remove c1'], failure: undefined });
});

test('a log that does not answer costs no container', async () => {
  expect(await settled(() => Promise.reject(unavailable('the log does not answer')))).toMatchObject({ removed: [], failure: { kind: 'unavailable' } });
});
