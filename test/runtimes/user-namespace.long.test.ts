import { OTHERS } from './runtimes-engine.js';
import { describeInUserNamespace } from './user-namespace-suite.js';

describeInUserNamespace(OTHERS);
