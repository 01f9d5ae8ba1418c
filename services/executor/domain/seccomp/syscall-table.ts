/** Names of system calls to their numbers, as one machine has them. */
export type SyscallTable = ReadonlyMap<string, number>;

/** Reads "0 read write 5 fstat": a number is that of the name after it, a name without one is the next. */
export function syscallTable(text: string): SyscallTable {
  const table = new Map<string, number>();
  let next = 0;
  for (const word of text.trim().split(/\s+/)) {
    if (/^\d+$/.test(word)) next = Number(word);
    else table.set(word, next++);
  }
  return table;
}
