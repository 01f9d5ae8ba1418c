import { testLogCrashes } from './log-crashes.js';

/** At more places: log-crashes.long.test.ts. */
testLogCrashes([
  ['log.compressed', 2],
  ['log.sent', 5_000],
]);
