import { readTar, TAR_LIMITS, type TarLimits } from '#libs/oci/tar-reader.js';

/**
 * Passes on a layer's uncompressed bytes, each once it was read as a part of one. Throws invalid for what is no layer, also for one that is larger than a layer may be: a megabyte of
 * gzip may say gigabytes, and little more of them comes than it takes to see that.
 */
export async function* readAsLayer(plain: AsyncIterable<Uint8Array>, limits: TarLimits = TAR_LIMITS): AsyncGenerator<Uint8Array, void, void> {
  let asked = Promise.withResolvers<void>();
  let given = Promise.withResolvers<Uint8Array | undefined>();
  let failure: { readonly error: unknown } | undefined;
  const handed = async function* (): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      asked.resolve();
      const chunk = await given.promise;
      given = Promise.withResolvers();
      if (chunk === undefined) return;
      yield chunk;
    }
  };
  const reading = readAll(handed(), limits).catch((error: unknown) => {
    failure = { error };
    asked.resolve();
  });
  const hand = async (chunk: Uint8Array | undefined): Promise<void> => {
    await asked.promise;
    if (failure) throw failure.error;
    asked = Promise.withResolvers();
    given.resolve(chunk);
  };
  try {
    for await (const chunk of plain) {
      await hand(chunk);
      yield chunk;
    }
    await hand(undefined);
    await reading;
    if (failure) throw failure.error;
  } finally {
    given.resolve(undefined);
  }
}

/** To the end, also what follows the archive's. */
async function readAll(plain: AsyncIterable<Uint8Array>, limits: TarLimits): Promise<void> {
  for await (const _ of readTar(plain, limits));
}
