import { expect, test } from 'vitest';
import { formatPlatform, hostPlatform } from '#libs/oci/platform.js';
import { checkPlatform, platformWarnings } from './image-platform.js';

const other = { os: 'linux', architecture: 'mips64le', variant: '' };

test('who named no platform is warned of an image for another machine, and who named it is not', () => {
  expect(platformWarnings(undefined, other)).toEqual([`The requested image's platform (linux/mips64le) does not match the detected host platform (${formatPlatform(hostPlatform)}) and no specific platform was requested`]);
  expect([platformWarnings('linux/mips64le', other), platformWarnings(undefined, hostPlatform)]).toEqual([[], []]);
});

test('an image of another platform than the one named is none', () => {
  expect(() => checkPlatform('linux/riscv64', other, 'app')).toThrow('image with reference app was found but its platform (linux/mips64le) does not match the specified platform (linux/riscv64)');
  expect(() => checkPlatform(undefined, other, 'app')).not.toThrow();
});
