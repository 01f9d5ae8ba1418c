import { describeExecBirths, describeJoinedBirths } from './births.js';

/** A few of each. More of them, and that they come through without their defences: exec-birth.long.test.ts, joined-birth.long.test.ts. */
describeExecBirths(8);
describeJoinedBirths(5);
