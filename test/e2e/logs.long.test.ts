import { LogBench, testFlood } from './log-bench.js';

/** `npm run test:gigabyte` has ten times as many. */
testFlood(new LogBench(), Number(process.env['TEST_LOG_LINES'] ?? 1_000_000));
