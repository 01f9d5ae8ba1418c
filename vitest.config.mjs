import { defineConfig } from 'vitest/config';

/** As test/engine/patience.ts: emulated machines take longer. */
const patience = Number(process.env.BERTH_TEST_PATIENCE ?? 1);

// Tests run compiled: decorators with their metadata are TypeScript's own work, and what is tested is what ships.
export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    exclude: ['**/node_modules/**'],
    watch: false,
    pool: 'forks',
    // Tests share one machine: bridges, mounts, cgroups. Two files at once would measure each other.
    fileParallelism: false,
    testTimeout: 30_000 * patience,
    hookTimeout: 90_000 * patience,
    expect: { poll: { timeout: 1_000 * patience } },
  },
});
