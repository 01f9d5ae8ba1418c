import { expect, test } from 'vitest';
import { ReadCommit, encodeCommit } from './commit-format.js';
import { noHead, type Commit, type Head } from './event.js';
import { type ChainReport, verifyChain as verifyLog } from './verify-chain.js';

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

/** What is verified of a log that holds these. */
function verifyChain(commits: readonly Commit[], after = 0): Promise<ChainReport> {
  const replay = async (_: readonly string[], from: number, onCommit: (commit: Commit) => void): Promise<number> => {
    for (const commit of commits) if (commit.position > from) onCommit(commit);
    return Math.max(...commits.map(({ position }) => position));
  };
  return verifyLog({ replay, read: async (wanted) => commits.filter((commit) => commit.subject === wanted) }, after);
}

test('a whole chain holds', async () => expect(await verifyChain(chain())).toEqual({ commits: 3, subjects: 1, broken: [], position: 3 }));

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

test('from a position on, what came since is read, and what it continues', async () => {
  expect(await verifyChain(chain(), 2)).toEqual({ commits: 1, subjects: 1, broken: [], position: 3 });
  expect(await verifyChain(chain(), 3)).toEqual({ commits: 0, subjects: 0, broken: [], position: 3 });
  // As the whole log has it: each break once, also of the older part and where both meet.
  const altered = (position: number): Commit[] => chain((body, at) => (at === position ? body.replace('E', 'F') : body));
  for (const commits of [altered(1), altered(2), altered(3), chain().slice(1), chain().filter(({ position }) => position !== 2)])
    for (const after of [1, 2]) expect((await verifyChain(commits, after)).broken).toEqual((await verifyChain(commits)).broken);
});
test('an aggregate that nothing came to since is not looked at', async () => {
  const [gone, altered] = [chain().slice(1), chain((body) => body.replace('E', 'F'))];
  for (const commits of [gone, altered]) expect(await verifyChain(commits, 3)).toMatchObject({ commits: 0, broken: [] });
});
