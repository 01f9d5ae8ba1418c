import { readdirSync } from 'node:fs';

/** The processes that have said they are ready. */
export function readyProcesses(runRoot: string): string[] {
  try {
    return readdirSync(`${runRoot}/ready`);
  } catch {
    return []; // never started since the machine did
  }
}
