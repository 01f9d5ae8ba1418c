import { cases, testKillAndRestart } from './kill-and-restart.js';

/** One that starts again after a kill, and one that does not. All of them: kill-and-restart.long.test.ts. */
testKillAndRestart(cases.filter(({ policy, signal, stopSignal }) => policy === 'always' && signal === 'HUP' && ['', 'TERM'].includes(stopSignal)));
