import { describe, expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { Commit } from '#libs/event-store/event.js';
import { foldContainers } from '../../testing/fold-containers.js';
import type { ContainerAt } from './container-fold.js';
import { findContainer } from './find-subject.js';
import { why } from './why.js';
import { at, chronicleOf, created, exit, id, log, removed, started } from './testing/log-of-web.js';

const containerIn = (commits: readonly Commit[], wanted: string): ContainerAt => foldContainers(commits).get(findContainer(chronicleOf(commits).candidates, wanted).id)!;
const LATER = '2026-02-01T00:00:00Z';
const whyOf = (...events: ContainerEvent[]): string => why(containerIn(log(...events), 'web'), LATER);

describe('why', () => {
  test('the kernel killed it for lack of memory', () => {
    expect(whyOf(created, ...started, exit)).toBe(
      'web is exited since 2026-01-31 10:02:11 UTC with code 137: it was killed by the kernel for lack of memory (limit 64 MiB); its restart policy is no.',
    );
  });

  test('of the same day the time is enough', () => {
    expect(why(containerIn(log(created, ...started), 'web'), '2026-01-31T23:59:59Z')).toContain('web is running since 10:02:03 UTC with pid 77');
    expect(why(containerIn(log(created, ...started), 'web'), '2026-02-01T00:00:00Z')).toContain('web is running since 2026-01-31 10:02:03 UTC with pid 77');
  });

  test('somebody stopped it', () => {
    const stop: ContainerEvent = { type: 'StopRequested', container: id, signal: 15, timeoutSeconds: 10, at: at(9) };
    const sentence = whyOf(created, ...started, stop, { ...exit, oomKilled: false, reason: 'stop-timeout' });
    expect(sentence).toContain('uid:0 pid:7 stopped it, and it did not end within 10 s of SIGTERM');
  });

  test('who was started again hears why the run before ended', () => {
    const again = started.map((event) => ({ ...event, start: 2, ...('reason' in event ? { reason: 'restart-policy' } : {}) }) as ContainerEvent);
    expect(whyOf(created, ...started, { ...exit, exitCode: 3, signal: 0, oomKilled: false, reason: 'error' }, ...again)).toContain(': this is run 2, started by its restart policy after exit code 3 (its command ended by itself with an error); its');
    const watched = { ...created, config: { ...created.config, Labels: { 'berth.restart': 'unhealthy:2' } } };
    expect(whyOf(watched, ...started, { ...exit, exitCode: 143, signal: 15, oomKilled: false, reason: 'unhealthy' }, ...again)).toMatch(/: this is run 2, started again since the health checks of the run before failed; its restart policy is no, and its label berth\.restart is unhealthy:2\.$/);
  });

  test('its policy starts it no more', () => {
    const failing = { ...created, hostConfig: { ...created.hostConfig, RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 } } } as typeof created;
    const again = started.map((event) => ({ ...event, start: 2, ...('reason' in event ? { reason: 'restart-policy' } : {}) }) as ContainerEvent);
    expect(whyOf(failing, ...started, exit)).toMatch(/; its restart policy is on-failure \(at most once\)\.$/);
    expect(whyOf(failing, ...started, exit, ...again, { ...exit, start: 2 })).toMatch(/; its restart policy is on-failure \(at most once\), and it was started again as often\.$/);
    expect(whyOf(failing, ...started, exit, ...again, { ...exit, start: 2, exitCode: 0, signal: 0, oomKilled: false, reason: 'completed' })).toMatch(/on-failure \(at most once\)\.$/);
  });

  test('a child that was lost for lack of memory is told beside what ended the run', () => {
    const stop: ContainerEvent = { type: 'StopRequested', container: id, signal: 15, timeoutSeconds: 10, at: at(9) };
    expect(whyOf(created, ...started, stop, { ...exit, exitCode: 0, signal: 0, reason: 'killed-api' })).toBe(
      'web is exited since 2026-01-31 10:02:11 UTC with code 0: uid:0 pid:7 asked for SIGTERM; before, the kernel killed a child of it for lack of memory (limit 64 MiB); its restart policy is no.',
    );
  });

  test('a signal that was not meant to end it is to blame only where it could be', () => {
    const hangup: ContainerEvent = { type: 'KillRequested', container: id, signal: 1, at: at(4) };
    const failed = { ...exit, oomKilled: false, signal: 0, exitCode: 1, reason: 'error' } as const;
    expect(whyOf(created, ...started, hangup, { ...failed, at: at(50) })).toContain('its command ended by itself with an error');
    for (const one of [{ ...failed, at: at(5) }, { ...failed, exitCode: 129, at: at(50) }]) expect(whyOf(created, ...started, hangup, one)).toContain('uid:0 pid:7 asked for SIGHUP');
  });

  test.each([
    ['was never started', [created], 'web is created since 2026-01-31 10:02:01 UTC: it was never started.'],
    ['runs', [created, ...started], 'web is running since 2026-01-31 10:02:03 UTC with pid 77: it was started by a client; its restart policy is no.'],
    ['was started with the engine', [created, ...started.map((event) => ({ ...event, ...('reason' in event ? { reason: 'engine-start' } : {}) }) as ContainerEvent)], 'web is running since 2026-01-31 10:02:03 UTC with pid 77: it was started with the engine, by its restart policy; its restart policy is no.'],
    ['is gone', [created, ...started, exit, ...removed], /^web is removed since .* uid:0 pid:7 asked for its removal; before, it exited with code 137/],
    ['could not start', [created, started[0]!, { type: 'StartFailed', container: id, start: 1, error: 'no such file', exitCode: 127, at: at(3) }], /its start failed: no such file\.$/],
  ] as const)('it %s', (_, events, sentence) => {
    expect(whyOf(...events)).toEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence));
  });
});
