import type { Difference } from './compare.js';

/** A difference from dockerd 20.10 that is meant, and why. */
interface Intended {
  readonly request?: RegExp;
  readonly place: RegExp;
  readonly why: string;
}

const INTENDED: readonly Intended[] = [
];

export function isIntended({ request, place }: Difference): boolean {
  return INTENDED.some((one) => (one.request === undefined || one.request.test(request)) && one.place.test(place));
}
