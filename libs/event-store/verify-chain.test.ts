import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { matches } from './aggregate-subject.js';
import { ReadCommit, encodeCommit } from './commit-format.js';
import { noHead, type Commit, type Head } from './event.js';
import { type ChainReport, verifyChain as verifyLog } from './verify-chain.js';

const subject = 'berth.event.thing.1';
const cause = { correlationId: 'c', causationId: 'd', actor: 'test' };

interface StoredCommit {
  readonly position: number;
  readonly headers: Map<string, string>;
  body: string;
}

/** Three commits of one subject. */
function storedChain(): StoredCommit[] {
  let head: Head = noHead;
  return [1, 2, 3].map((position) => {
    const { headers, body, commit } = encodeCommit({ subject, id: `id-${position}`, time: new Date(0), source: 's', cause, expected: head, events: [{ type: `E${position}` }] });
    head = { sequence: position, hash: commit.hash };
    return { position, headers: new Map(headers), body };
  });
}

const readCommit = ({ position, headers, body }: StoredCommit): ReadCommit => new ReadCommit(subject, position, (name) => headers.get(name), body);

/** `alter` may change a body behind its hashes' back. */
const chain = (alter: (body: string, position: number) => string = (body) => body): Commit[] =>
  storedChain().map((stored) => readCommit({ ...stored, body: alter(stored.body, stored.position) }));

/** What is verified of a log that holds these. */
function verifyChain(commits: readonly Commit[], after = 0): Promise<ChainReport> {
  const replay = async ([filter = '']: readonly string[], from: number, onCommit: (commit: Commit) => void, to = Infinity): Promise<number> => {
    for (const commit of commits) if (matches(filter, commit.subject) && commit.position > from && commit.position <= to) onCommit(commit);
    return Math.max(...commits.map(({ position }) => position));
  };
  return verifyLog({ replay }, after);
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

const withHeader = (position: number, name: string, value: string) => (commits: readonly StoredCommit[]): void => void commits[position - 1]?.headers.set(name, value);
test.each([
  ['actor', withHeader(2, 'berth-actor', 'uid:0')],
  ['time', withHeader(2, 'ce-time', '2001-01-01T00:00:00.000Z')],
  ['cause', withHeader(2, 'berth-causation-id', 'another')],
  ['idempotency key', withHeader(2, 'berth-idempotency-key', 'k')],
])('it is seen when the %s of a commit is another', async (_, alter) => {
  const stored = storedChain();
  alter(stored);
  expect((await verifyChain(stored.map(readCommit))).broken).toEqual([{ subject, position: 2, reason: 'its bytes are not what was written' }]);
});

test.each([
  ['body', (commit: StoredCommit) => (commit.body = 'no JSON'), /^it cannot be read: .*JSON/],
  ['header', (commit: StoredCommit) => commit.headers.set('berth-actor', '%E0'), /^it cannot be read: URI/],
])('a %s that cannot be read is told, and what comes after it is looked at', async (_, alter, reason) => {
  const stored = storedChain();
  if (stored[1] !== undefined) alter(stored[1]);
  const { broken, commits } = await verifyChain(stored.map(readCommit));
  expect([commits, broken[0]?.position, broken[0]?.reason]).toEqual([3, 2, expect.stringMatching(reason)]);
});

test('a log that ends before the position that was told once is not whole', async () =>
  expect((await verifyChain(chain(), 7)).broken).toEqual([{ subject: 'berth.event', position: 7, reason: 'the log ends at 3: what came after that is missing' }]));

test('chains that a former engine began go on, and a new one does not become a former one', async () => {
  const former = (previous: string, id: string, body: string): string => createHash('sha256').update(`${previous}\n${subject}\n${id}\n${body}`).digest('hex');
  const [first, second] = storedChain();
  if (first === undefined || second === undefined) throw new Error('no chain');
  first.headers.set('berth-hash', former('', 'id-1', first.body));
  const after = encodeCommit({ subject, id: 'id-2', time: new Date(0), source: 's', cause, expected: { sequence: 1, hash: first.headers.get('berth-hash') ?? '' }, events: [{ type: 'E2' }] });
  const commits = [first, { position: 2, headers: new Map(after.headers), body: after.body }];
  expect((await verifyChain(commits.map(readCommit))).broken).toEqual([]);
  const back = { position: 3, headers: new Map(commits[1]?.headers), body: second.body };
  back.headers.set('berth-previous-hash', after.commit.hash);
  back.headers.set('berth-hash', former(after.commit.hash, 'id-2', second.body));
  expect((await verifyChain([...commits, back].map(readCommit))).broken).toEqual([{ subject, position: 3, reason: 'its hash is of a former form, which the commit before it has not' }]);
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
