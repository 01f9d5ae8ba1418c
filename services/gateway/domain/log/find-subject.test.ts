import { describe, expect, test } from 'vitest';
import type { Commit, DomainEvent } from '#libs/event-store/event.js';
import { Chronicle } from './chronicle.js';
import { findTarget } from './find-subject.js';
import { at, chronicleOf, commit, created, id, log, removed, restored, targetIn, toBeRestored } from './testing/log-of-web.js';

describe('what a person means', () => {
  const other = 'ab99'.padEnd(64, '0');
  const image = commit(`berth.event.image.${'cd'.padEnd(64, '0')}`, at(0), { type: 'ImageTagged', reference: 'docker.io/library/busybox:latest' } as DomainEvent);
  const commits = [image, ...log(created, ...removed, { ...created, container: other })];

  test('a present name goes before a removed one', () => expect(targetIn(commits, 'web').id).toBe(other));
  test('a removed one is found by its id', () => expect(targetIn(commits, 'ab12')).toMatchObject({ kind: 'container', id }));
  test('an image goes by its short name and by its id', () => {
    expect(targetIn(commits, 'busybox')).toMatchObject({ kind: 'image' });
    expect(targetIn(commits, 'sha256:cd')).toMatchObject({ kind: 'image' });
  });
  describe('by a name that has moved', () => {
    const imageOf = (digit: string, type: string, reference = 'docker.io/library/site:latest'): Commit => commit(`berth.event.image.sha256:${digit.repeat(64)}`, at(0), { type, image: '', reference } as DomainEvent);
    const moved = [imageOf('a', 'ImageTagged'), imageOf('b', 'ImageTagged'), imageOf('a', 'ImageUntagged')];
    const firstId = 'a'.repeat(64);

    test('who has it', () => expect(targetIn(moved, 'site').id).toBe('b'.repeat(64)));
    test('who has it again, in what was frozen meanwhile, too', () => {
      const back = [...moved, imageOf('a', 'ImageTagged'), imageOf('b', 'ImageUntagged')];
      const frozen = JSON.parse(JSON.stringify(chronicleOf(back).chronicle.freeze())) as ReturnType<Chronicle['freeze']>;
      for (const candidates of [chronicleOf(back).candidates, [...Chronicle.from(frozen).candidates()]]) expect(findTarget(candidates, 'site').id).toBe(firstId);
    });
    test('who had it last, where nobody has it', () => {
      expect(targetIn([imageOf('a', 'ImageTagged'), imageOf('a', 'ImageUntagged')], 'site').id).toBe(firstId);
      expect(targetIn([...moved, imageOf('b', 'ImageUntagged')], 'site:latest').id).toBe('b'.repeat(64));
    });
    test('of containers, too', () => {
      const renamed = log(created, { type: 'ContainerRenamed', container: id, name: 'old', oldName: 'web', at: at(5) }, { ...created, container: other });
      expect(targetIn(renamed, 'web').id).toBe(other);
      expect(targetIn(renamed, 'old').id).toBe(id);
    });
  });
  test('a container goes by all names that it had, in what was frozen meanwhile, too', () => {
    const renamed = (from: string, to: string) => ({ type: 'ContainerRenamed', container: id, name: to, oldName: from, at: at(5) }) as const;
    const there = log(created, renamed('web', 'between'), renamed('between', 'last'));
    for (const name of ['web', 'between', 'last']) expect(targetIn(there, name).id, name).toBe(id);
    expect(targetIn(log(created, renamed('web', 'between'), renamed('between', 'web')), 'between')).toMatchObject({ id, names: ['between', 'web'], former: ['between'] });
    const thawed = Chronicle.from(JSON.parse(JSON.stringify(chronicleOf(there).chronicle.freeze())) as ReturnType<Chronicle['freeze']>);
    expect([...thawed.candidates()]).toMatchObject([{ id, names: ['web', 'between', 'last'], former: ['web', 'between'] }]);
    expect(targetIn([...there, ...log(...removed)], 'between')).toMatchObject({ id, gone: true });
  });
  test('nothing fits', () => expect(() => targetIn(commits, 'nope')).toThrow(/knows no container/));
  test('several fit', () => {
    const both = log(created, { ...created, container: other, name: 'web2' });
    expect(() => targetIn(both, 'ab')).toThrow(/give more of the id/);
  });
});

describe('a container that comes back', () => {
  test('is meant before what has its old name of another kind, and gone when it goes again', () => {
    const volume = commit('berth.event.volume.again', at(40), { type: 'VolumeRemoved', name: 'again', driver: 'local', at: at(40) } as DomainEvent);
    const commits = [...toBeRestored(), restored(), volume];
    expect(targetIn(commits, 'again')).toMatchObject({ kind: 'container', id, gone: false });
    expect(chronicleOf([...commits, ...log(...removed)]).candidates.filter(({ kind }) => kind === 'container')).toMatchObject([{ gone: true }, { gone: true }]);
  });
});
