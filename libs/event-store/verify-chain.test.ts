import { expect, test } from 'vitest';
import { ReadCommit, encodeCommit } from './commit-format.js';
import { noHead, type Commit, type Head } from './event.js';
import { verifyChain } from './verify-chain.js';

const subject = 'berth.event.thing.1';
const cause = { correlationId: 'c', causationId: 'd', actor: 'test' };

/** Three commits of one subject; `alter` may change a body behind its hashes' back. */
function chain(alter: (body: string, position: number) => string = (body) => body): Commit[] {
  let head: Head = noHead;
  return [1, 2, 3].map((position) => {
    const { headers, body, commit } = encodeCommit({ subject, id: `id-${position}`, time: new Date(0), source: 's', cause, expected: head, events: [{ type: `E${position}` }] });
    head = { sequence: position, hash: commit.hash };
    const values = new Map(headers);
    return new ReadCommit(subject, position, (name) => values.get(name), alter(body, position));
  });
}

test('a whole chain holds', async () => expect(await verifyChain(chain())).toEqual({ commits: 3, subjects: 1, broken: [] }));

test.each([
  ['the first is lost', (commits: Commit[]) => commits.slice(1), [2]],
  ['the second is lost', (commits: Commit[]) => commits.filter(({ position }) => position !== 2), [3]],
  ['two changed places', (commits: Commit[]) => [commits[1]!, commits[0]!, commits[2]!], [2, 1, 1, 3]],
])('it is seen when %s', async (_, change, positions) => {
  expect((await verifyChain(change(chain()))).broken.map(({ position }) => position)).toEqual(positions);
});

test.each([1, 2, 3])('it is seen when commit %d is altered', async (altered) => {
  const { broken } = await verifyChain(chain((body, position) => (position === altered ? body.replace('E', 'F') : body)));
  expect(broken).toEqual([{ subject, position: altered, reason: 'its bytes are not what was written' }]);
});
