/** How much longer than on a machine of its own a test may take here: BERTH_TEST_PATIENCE, 1 by default. For emulated machines. */
const PATIENCE = Number(process.env['BERTH_TEST_PATIENCE'] ?? 1);

/** A deadline in milliseconds, stretched. */
export const patience = (milliseconds: number): number => milliseconds * PATIENCE;
