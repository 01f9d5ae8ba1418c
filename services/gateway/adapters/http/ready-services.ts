import { readdirSync } from 'node:fs';

/** The services that have said they are ready. */
export function readyServices(runRoot: string): string[] {
  try {
    return readdirSync(`${runRoot}/ready`);
  } catch {
    return []; // never started since the machine did
  }
}
