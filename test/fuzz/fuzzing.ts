/** How long one target is tried, and with which numbers: `npm run fuzz -- --minutes N [--seed S]` sets them. */
const SECONDS = process.env['BERTH_FUZZ_SECONDS'];
export const secondsOr = (usual: number): number => (SECONDS === undefined ? usual : Number(SECONDS));
export const SEED = Number(process.env['BERTH_FUZZ_SEED'] ?? String(Date.now() % 2 ** 31));
