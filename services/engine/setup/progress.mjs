/** One short line a step, so that a newcomer sees what takes the time. */
export function step(text) {
  console.log(`berth: ${text}`);
}

/** What a person can act on: printed without a stack. */
export class SetupError extends Error {}

/** Throws for a word on the command line that is none of `known`: one that was misspelt would do something else than was meant. Gives those that are there. */
export function commandLine(...known) {
  const words = process.argv.slice(2);
  const foreign = words.find((word) => !known.includes(word));
  if (foreign !== undefined) throw new SetupError(`there is no "${foreign}" here${known.length > 0 ? `: ${known.join(', ')} is all there is` : ''}`);
  return new Set(words);
}

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
