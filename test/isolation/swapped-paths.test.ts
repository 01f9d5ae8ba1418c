import { describeSwappedPaths } from './swapped-paths.js';

/** Once or twice each. More often, and that they lead to the host without the defence: swapped-paths.long.test.ts. */
describeSwappedPaths(2);
