import { describeCompose } from './compose-suite.js';

/** With changes and single services: compose.long.test.ts. */
describeCompose('plain');
