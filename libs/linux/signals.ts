import { invalid } from '#libs/errors/errors.js';

/** signal(7), x86 and ARM numbering. */
const NUMBERS: Record<string, number> = {
  HUP: 1, INT: 2, QUIT: 3, ILL: 4, TRAP: 5, ABRT: 6, IOT: 6, BUS: 7, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15,
  STKFLT: 16, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23, XCPU: 24, XFSZ: 25, VTALRM: 26, PROF: 27, WINCH: 28, IO: 29, POLL: 29,
  PWR: 30, SYS: 31, RTMIN: 34, RTMAX: 64,
};

export const SIGKILL = 9;
export const SIGTERM = 15;

/** "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3". */
export function signalNumber(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number < 1 || number > 64) throw invalid(`invalid signal: ${text}`);
    return number;
  }
  const [, name = '', sign = '', offset = ''] = /^(?:SIG)?([A-Z0-9]+?)(?:([+-])(\d+))?$/.exec(text.toUpperCase()) ?? [];
  const base = NUMBERS[name];
  if (base === undefined || (offset !== '' && !name.startsWith('RT'))) throw invalid(`invalid signal: ${text}`);
  const number = base + (offset === '' ? 0 : Number(`${sign}${offset}`));
  if (number < 1 || number > 64) throw invalid(`invalid signal: ${text}`);
  return number;
}

/** Throws invalid for what dockerd takes for no stop signal: a name that is none, and 0. Any number is one, also of which this machine has no signal: a stop then sends SIGTERM. */
export function checkStopSignal(text: string): void {
  if (!/^-?\d*[1-9]\d*$/.test(text)) signalNumber(text);
}

/** What a container is stopped by. Absent and '', and what can be sent to nobody, are SIGTERM. */
export function stopSignalNumber(text: string | undefined): number {
  if (!text) return SIGTERM;
  try {
    return signalNumber(text);
  } catch {
    return SIGTERM; // an image's configuration says what it likes
  }
}

/** "SIGTERM"; of two names for one number the first that signal(7) lists. What has no name is its number. */
export function signalName(number: number): string {
  const name = Object.keys(NUMBERS).find((one) => NUMBERS[one] === number);
  return name === undefined ? String(number) : `SIG${name}`;
}
