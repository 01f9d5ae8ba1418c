import { testStopWithoutLog } from './stop-without-log.js';

testStopWithoutLog('SIGSTOP');
