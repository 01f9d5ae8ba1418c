import { BerthError } from '#libs/errors/errors.js';

/** One after another, also behind one that is refused. Rejects with what was refused; at once where the engine is not there. */
export async function eachOf(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
  const refused: BerthError[] = [];
  for (const name of names) {
    try {
      await act(name);
    } catch (error) {
      if (!(error instanceof BerthError) || error.kind === 'unavailable') throw error;
      refused.push(error);
    }
  }
  const [first] = refused;
  if (first !== undefined) throw new BerthError(first.kind, refused.map(({ message }) => message).join('\n'), { cause: first });
}
