import { testStopWithoutLog } from './stop-without-log.js';

/** By SIGSTOP: stop.long.test.ts. */
testStopWithoutLog('SIGKILL');
