import { describeInUserNamespace } from './user-namespace-suite.js';

/** The others: user-namespace.long.test.ts. */
describeInUserNamespace(['berth']);
