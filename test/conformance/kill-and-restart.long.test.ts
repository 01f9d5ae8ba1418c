import { cases, testKillAndRestart } from './kill-and-restart.js';

testKillAndRestart(cases);
