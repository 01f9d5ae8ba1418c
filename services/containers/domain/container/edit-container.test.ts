import { expect, test } from 'vitest';
import type { ContainerEvent, EditedSpec } from '#contracts/containers/events.js';
import { specify } from '#libs/event-store/testing/specify.js';
import type { EditableSpec } from '../edit/apply-changes.js';
import { SpecAtVersion } from '../edit/spec-at-version.js';
import { type ContainerCommand, containerDecider } from './container-decider.js';

const at = '2026-01-01T00:00:00.000Z';
const container = 'c1';
const bare: EditableSpec = { config: { Env: ['A=b'] }, hostConfig: { Memory: 64, NetworkMode: 'bridge' }, path: 'sh', args: [], mounts: [] };
const created: ContainerEvent = { type: 'ContainerCreated', container, name: 'web', imageId: 'sha256:1', imageRef: 'busybox', layers: [], ...bare, at };
const requested = (start = 1): ContainerEvent => ({ type: 'StartRequested', container, start, reason: 'api', at });
const started = (start = 1): ContainerEvent => ({ type: 'ContainerStarted', container, start, pid: 7, at });
const exited: ContainerEvent = { type: 'ContainerExited', container, start: 1, exitCode: 0, signal: 0, oomKilled: false, reason: 'completed', at };
const running = [created, requested(), started()] as const;

const otherEnv: EditableSpec = { ...bare, config: { Env: ['A=c'] } };
const published: EditableSpec = { ...bare, config: { Env: ['A=b'], ExposedPorts: { '80/tcp': {} } }, hostConfig: { ...bare.hostConfig, PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } } };
const unlimited: EditableSpec = { ...bare, hostConfig: { NetworkMode: 'bridge' } };
const labelled: EditableSpec = { ...bare, config: { ...bare.config, Labels: { a: 'b' } } };

const edit = (spec: EditableSpec, revertedTo?: number): ContainerCommand => ({ type: 'Edit', spec, ...(revertedTo === undefined ? {} : { revertedTo }), at });
const version = (number: number, spec: EditableSpec, parts: EditedSpec['parts'], pending: EditedSpec['pending'] = []): EditedSpec => ({ version: number, ...spec, parts, pending });
const asked = (edited: EditedSpec): ContainerEvent => ({ type: 'EditRequested', container, ...edited, at });
const edited = (wish: EditedSpec): ContainerEvent => ({ type: 'ContainerEdited', container, ...wish, at });
const failed: ContainerEvent = { type: 'EditFailed', container, error: 'no', at };
const recordEdited: ContainerCommand = { type: 'RecordEdited', at };
const recordFailed: ContainerCommand = { type: 'RecordEditFailed', error: 'no', at };
const given = specify(containerDecider);
const after = (...history: readonly ContainerEvent[]) => history.reduce(containerDecider.evolve, containerDecider.initialState);

test('what no kernel has to be told of is done when it is on the log', () => {
  given(created).when(edit(published)).then(edited(version(2, published, ['ports'])));
  given(...running).when(edit(otherEnv)).then(edited(version(2, otherEnv, ['env'], ['env'])));
  given(...running).when(edit(labelled)).then(edited(version(2, labelled, ['labels'])));
});

test('of one that runs, ports and limits are asked for before they hold', () => {
  const wish = version(2, published, ['ports']);
  given(...running).when(edit(published)).then(asked(wish));
  given(...running, asked(wish)).when(recordEdited).then(edited(wish));
  given(...running, asked(wish)).when(recordFailed).then(failed);
  given(...running, asked(wish), edited(wish)).when(recordEdited).thenNothing();
  given(...running).when(edit(unlimited)).then(asked(version(2, unlimited, ['limits'], ['limits'])));
});

test('one edit at a time, none of one that starts, goes or is not there; none that changes nothing', () => {
  const wish = version(2, published, ['ports']);
  given(...running, asked(wish)).when(edit(otherEnv)).thenRefused('conflict', /is being edited/);
  given(created, requested()).when(edit(otherEnv)).thenRefused('conflict', /is starting/);
  given(created, { type: 'RemoveRequested', container, force: true, volumes: false, at }).when(edit(otherEnv)).thenRefused('conflict', /removal/);
  given().when(edit(otherEnv)).thenRefused('not-found');
  given(created).when(edit(bare)).thenNothing();
  given(...running, asked(wish), failed).when(edit(published)).then(asked(wish));
});

test('a version is what it was until the next one, and a failed edit is none', () => {
  const wish = version(2, otherEnv, ['env'], ['env']);
  const updated: ContainerEvent = { type: 'ContainerUpdated', container, changes: { PidsLimit: 9 }, at };
  const history = [...running, asked(version(2, published, ['ports'])), failed, edited(wish), updated];
  const specAt = (wanted: number): EditableSpec => {
    const sought = new SpecAtVersion(wanted);
    history.reduce((state, event) => {
      const next = containerDecider.evolve(state, event);
      sought.see(next);
      return next;
    }, containerDecider.initialState);
    return sought.spec;
  };
  expect(specAt(1)).toMatchObject(bare);
  expect(specAt(2)).toMatchObject({ ...otherEnv, hostConfig: { ...otherEnv.hostConfig, PidsLimit: 9 } });
  expect(() => specAt(3)).toThrow('no version 3');
  given(...running, edited(wish)).when(edit(bare, 1)).then({ type: 'ContainerEdited', container, ...version(3, bare, ['env'], ['env']), revertedTo: 1, at });
});

test('what a run does not have it has from the next start on', () => {
  const history = [...running, edited(version(2, otherEnv, ['env'], ['env']))];
  expect(after(...history)).toMatchObject({ version: 2, pending: ['env'], spec: otherEnv });
  expect(after(...history, exited, requested(2))).not.toHaveProperty('pending');
});

test('anonymous volumes that are not mounted any more go with their container', () => {
  const mount = { type: 'volume', source: '/v', target: '/v', readOnly: false, propagation: 'rprivate', name: 'anonymous-1', anonymous: true } as const;
  const mounted = after({ ...created, mounts: [mount] } as ContainerEvent, edited(version(2, bare, ['mounts'])));
  expect(mounted).toMatchObject({ unmounted: ['anonymous-1'] });
  expect(containerDecider.evolve(mounted, edited(version(3, { ...bare, mounts: [mount] }, ['mounts'])))).not.toHaveProperty('unmounted');
});
