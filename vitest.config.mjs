import { defineConfig } from 'vitest/config';

// Tests run compiled: decorators with their metadata are TypeScript's own work, and what is tested is what ships.
export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    exclude: ['**/node_modules/**'],
    watch: false,
    pool: 'forks',
    // Tests share one machine: bridges, mounts, cgroups. Two files at once would measure each other.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 90_000,
  },
});
