import { testLogCrashes } from './log-crashes.js';

testLogCrashes([
  ['log.in-place', 1],
  ['log.in-place', 3],
]);
