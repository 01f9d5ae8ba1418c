import { expect, test } from 'vitest';
import { TaskUsage } from './task-usage.js';

test('a process that ends while ps looks is not told of: by then its number may be that of somebody else', async () => {
  const lists = [[process.pid, process.ppid], [process.pid]];
  const live = { byContainer: () => ({ place: {} }) };
  const usage = new TaskUsage(...([live, { processes: () => lists.shift() ?? [] }, {}, () => []] as unknown as ConstructorParameters<typeof TaskUsage>));
  const { titles, processes } = await usage.processes({ container: 'c', psArgs: ['-eo', 'pid'] });
  expect([titles, processes]).toEqual([['PID'], [[String(process.pid)]]]);
});
