/** One short line a step, so that a newcomer sees what takes the time. */
export function step(text) {
  console.log(`berth: ${text}`);
}

/** What a person can act on: printed without a stack. */
export class SetupError extends Error {}

/** Runs a script's main and turns a failure into a message and exit code 1. What it makes is readable by the engine's own user, whatever root's umask. */
export async function runScript(main) {
  process.umask(0o022);
  try {
    await main();
  } catch (error) {
    console.error(`berth: ${error instanceof SetupError ? error.message : (error?.stack ?? error)}`);
    process.exit(1);
  }
}
