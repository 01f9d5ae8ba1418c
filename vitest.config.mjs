import { defineConfig } from 'vitest/config';

/** As test/engine/patience.ts: emulated machines take longer. */
const patience = Number(process.env.BERTH_TEST_PATIENCE ?? 1);

/** Tests of code that asks neither kernel nor clock nor disk. */
const PURE = ['dist/**/domain/**/*.test.js', 'dist/libs/{dockerfile,oci,patterns}/**/*.test.js'];
const everything = { exclude: ['**/node_modules/**'], pool: 'forks', testTimeout: 30_000 * patience, hookTimeout: 90_000 * patience, expect: { poll: { timeout: 1_000 * patience } } };

// Tests run compiled: decorators with their metadata are TypeScript's own work, and what is tested is what ships.
export default defineConfig({
  test: {
    watch: false,
    projects: [
      { test: { ...everything, name: 'pure', include: PURE, isolate: false, sequence: { groupOrder: 0 } } },
      // These share one machine: bridges, mounts, cgroups. Two files at once would measure each other.
      { test: { ...everything, name: 'machine', include: ['dist/**/*.test.js'], exclude: [...everything.exclude, ...PURE], fileParallelism: false, sequence: { groupOrder: 1 } } },
    ],
  },
});
