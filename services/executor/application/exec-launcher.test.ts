import { expect, test } from 'vitest';
import type { LaunchExec } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { ExecLauncher } from './exec-launcher.js';
import type { LiveTask } from './live-task.js';

const asked: RequestContext = { actor: 'me', correlationId: 'c', causationId: 'c' };
const exec = { container: 'c'.repeat(64), start: 1, exec: 'e'.repeat(64) } as LaunchExec;

test('a refusal for which no shim was asked is not what a later start of the exec hears', async () => {
  let task: Partial<LiveTask> = { identity: { container: exec.container, start: 1 }, execs: new Map() };
  const live = { get: () => task };
  const launcher = new ExecLauncher(...([{ position: 7 }, live, {}, {}, {}, {}, {}, undefined] as unknown as ConstructorParameters<typeof ExecLauncher>));
  await expect(launcher.launch(exec, asked)).rejects.toMatchObject({ kind: 'conflict', message: `container ${exec.container} is not running` });
  // Connected again, to a shim that knows the exec.
  task = { ...task, connection: {} as NonNullable<LiveTask['connection']>, execs: new Map([[exec.exec, 42]]) };
  expect(await launcher.launch(exec, asked)).toEqual({ pid: 42, position: 7 });
});
