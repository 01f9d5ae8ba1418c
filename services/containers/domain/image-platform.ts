import { notFound } from '#libs/errors/errors.js';
import { fitness, formatPlatform, hostPlatform, parsePlatform, type Platform } from '#libs/oci/platform.js';

/** As not-found, since clients answer that by pulling the image for the platform they want. */
export function checkPlatform(wanted: string | undefined, image: Platform, reference: string): void {
  if (!wanted || fitness(parsePlatform(wanted), image) > 0) return;
  throw notFound(`image with reference ${reference} was found but its platform (${formatPlatform(image)}) does not match the specified platform (${formatPlatform(parsePlatform(wanted))})`);
}

/** Somebody who named no platform may not know that what runs is for another machine. */
export function platformWarnings(wanted: string | undefined, image: Platform): string[] {
  if (wanted || fitness(hostPlatform, image) > 0) return [];
  return [`The requested image's platform (${formatPlatform(image)}) does not match the detected host platform (${formatPlatform(hostPlatform)}) and no specific platform was requested`];
}
