import { test } from 'vitest';
import type { ExecEvent } from '#contracts/containers/events.js';
import { idempotent, specify } from '#libs/event-store/testing/specify.js';
import { type ExecCommand, execDecider } from './exec-decider.js';

const created: Extract<ExecEvent, { type: 'ExecCreated' }> = {
  type: 'ExecCreated', exec: 'e1', container: 'c1', at: '2026-01-01T00:00:00.000000000Z',
  config: { args: ['ls'], env: [], user: '', workingDir: '', terminal: false, attachStdin: false, attachStdout: true, attachStderr: true, privileged: false, detachKeys: '' },
};
const create: ExecCommand = { ...created, type: 'Create' };
const failed: Extract<ExecEvent, { type: 'ExecStartFailed' }> = { type: 'ExecStartFailed', exec: 'e1', container: 'c1', error: 'nobody listens', exitCode: 126, at: created.at };
const fail: ExecCommand = { ...failed, type: 'RecordStartFailed' };

test('an exec is kept as it was asked for', () => specify(execDecider)().when(create).then(created));
test('an exec id is used once', () => specify(execDecider)(created).when(create).thenRefused('conflict', /exists already/));
test('an exec that nobody could be asked for is over, once', () => {
  specify(execDecider)(created).when(fail).then(failed);
  specify(execDecider)(created, failed).when(fail).thenNothing();
  specify(execDecider)().when(fail).thenNothing();
});
test('an exec created twice is there once, and fails once', () => idempotent(execDecider, [[], [created], [created, failed]], [create, fail]));
