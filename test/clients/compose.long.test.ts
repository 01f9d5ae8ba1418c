import { describeCompose } from './compose-suite.js';

describeCompose('whole');
