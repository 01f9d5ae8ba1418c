import type { ProcessTable } from '#contracts/executor/usage.js';
import { internal, unclassified } from '#libs/errors/errors.js';

/** Of the pid that is asked for before all that a client asks for. */
export const LEADING_TITLE = 'LEADING-PID';

/** Columns of ps's own formats that come before the pid. Their values are one word, never none, so that the pid is where its title is. */
const ONE_WORD = new Set(['UID', 'USER', 'F', 'S', 'PPID', 'LABEL']);

/**
 * What ps(1) printed, with the rows of `pids` alone, as dockerd takes it apart (daemon/top_unix.go). Whose a row is, the column in front tells where it `leads`; else the
 * column PID, if nothing that a client chose can have moved it.
 */
export function psTable(output: string, pids: ReadonlySet<number>, args: readonly string[], leads: boolean): ProcessTable {
  const [head = '', ...lines] = output.split('\n');
  const printed = fieldsOf(head);
  const titles = leads ? printed.slice(1) : printed;
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0 || (leads && printed[0] !== LEADING_TITLE)) throw unclassified("Couldn't find PID field in ps output");
  if (!leads && pidColumn > 0 && (args.some(hasTitle) || !titles.slice(0, pidColumn).every((title) => ONE_WORD.has(title)))) throw unclassified("Couldn't tell the PID field in ps output");
  const processes: string[][] = [];
  let previousIsOurs = false;
  for (const line of lines) {
    if (line === '') continue;
    const fields = fieldsOf(line);
    const pid = fields[leads ? 0 : pidColumn] ?? '';
    // A thread of the process above ("m").
    if (pid !== '-') {
      if (!/^\d+$/.test(pid)) throw internal(`Unexpected pid '${pid}'`);
      previousIsOurs = pids.has(Number(pid));
    }
    // Blanks in the last column are its own.
    const shown = leads ? fields.slice(1) : fields;
    if (previousIsOurs) processes.push([...shown.slice(0, titles.length - 1), shown.slice(titles.length - 1).join(' ')]);
  }
  return { titles, processes };
}

/** "lwp=NAME", and not "--ppid=1". */
const hasTitle = (word: string): boolean => word.replace(/^--[a-z-]+=/i, '').includes('=');
const fieldsOf = (line: string): string[] => line.split(/[\t\n\v\f\r ]+/).filter((field) => field !== '');
