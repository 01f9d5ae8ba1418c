/** How long one target is tried, and with which numbers: `npm run fuzz -- --minutes N [--seed S]` sets them. */
export const SECONDS = Number(process.env['BERTH_FUZZ_SECONDS'] ?? '2');
export const SEED = Number(process.env['BERTH_FUZZ_SEED'] ?? String(Date.now() % 2 ** 31));
