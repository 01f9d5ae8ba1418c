import type { ProcessTable } from '#contracts/executor/usage.js';
import { internal, invalid } from '#libs/errors/errors.js';

/** What ps(1) printed, with the rows of `pids` alone, as dockerd takes it apart (daemon/top_unix.go). */
export function psTable(output: string, pids: ReadonlySet<number>): ProcessTable {
  const [head = '', ...lines] = output.split('\n');
  const titles = fieldsOf(head);
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0) throw invalid("Couldn't find PID field in ps output");
  const processes: string[][] = [];
  let previousIsOurs = false;
  for (const line of lines) {
    if (line === '') continue;
    const fields = fieldsOf(line);
    const pid = fields[pidColumn] ?? '';
    // A thread of the process above ("m").
    if (pid !== '-') {
      if (!/^\d+$/.test(pid)) throw internal(`Unexpected pid '${pid}'`);
      previousIsOurs = pids.has(Number(pid));
    }
    // Blanks in the last column are its own.
    if (previousIsOurs) processes.push([...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(' ')]);
  }
  return { titles, processes };
}

const fieldsOf = (line: string): string[] => line.split(/[\t\n\v\f\r ]+/).filter((field) => field !== '');
