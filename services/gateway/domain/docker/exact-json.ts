import { LARGEST_INTEGER } from '#contracts/containers/field-shapes.js';
import { exactJson as exactly } from '#libs/oci/exact-json.js';

/** The largest of 64 bits, which clients say for no limit. */
const LARGEST_OF_ALL = String(2n ** 63n - 1n);

/** JSON with all digits of whole numbers, and the largest of all as clients wrote it. */
export const exactJson = (value: unknown): string => exactly(value, (number) => (number === LARGEST_INTEGER ? LARGEST_OF_ALL : String(BigInt(number))));
