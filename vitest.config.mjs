import { defineConfig } from 'vitest/config';

/** As test/engine/patience.ts: emulated machines take longer. */
const patience = Number(process.env.BERTH_TEST_PATIENCE ?? 1);

/** What goes deep where `npm test` goes everywhere is in files of this name: `npm run test:long` runs them, and them alone. */
const LONG = 'long.test.js';
const [TESTS, OTHERS] = process.env.TEST_LONG === '1' ? [LONG, []] : ['test.js', [`dist/**/*.${LONG}`]];
/** Tests of code that asks neither kernel nor clock nor disk. */
const PURE = [`dist/**/domain/**/*.${TESTS}`, `dist/libs/{dockerfile,oci,patterns}/**/*.${TESTS}`];
/** Tests that measure time, or what a process takes of the machine: nothing runs beside them. */
const ALONE = [`dist/test/log/**/*.${TESTS}`, `dist/test/metrics/scrape-cost.${TESTS}`, `dist/test/e2e/{stop,usage}.${TESTS}`];
const everything = {
  exclude: ['**/node_modules/**', ...OTHERS],
  pool: 'forks',
  // Compiled already: Node loads it, and Vite takes apart nothing but the tests themselves.
  server: { deps: { external: [/\/dist\/(?!.*\.test\.js$)/] } },
  testTimeout: 30_000 * patience,
  hookTimeout: 90_000 * patience,
  expect: { poll: { timeout: 5_000 * patience } },
};

// Tests run compiled: decorators with their metadata are TypeScript's own work, and what is tested is what ships.
export default defineConfig({
  test: {
    watch: false,
    projects: [
      { test: { ...everything, name: 'pure', include: PURE, isolate: false, sequence: { groupOrder: 0 } } },
      // Two processes run all of these files: to start one anew for each, and to load what they test, took a second of processor time a file. What a test changes of its process it sets back.
      // Engines of tests share one machine and nothing else. An engine waits as often as it works, so that two files take turns; more would only make each other slow.
      { test: { ...everything, name: 'machine', include: [`dist/**/*.${TESTS}`], exclude: [...everything.exclude, ...PURE, ...ALONE], isolate: false, maxWorkers: patience > 1 ? 1 : 2, sequence: { groupOrder: 1 } } },
      { test: { ...everything, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
