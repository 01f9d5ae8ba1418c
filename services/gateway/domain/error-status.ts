import type { ErrorKind } from '#libs/errors/errors.js';

/** The one table from a kind of error to the Engine API's status code. */
export const ERROR_STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  unclassified: 500,
  internal: 500,
  'not-implemented': 501,
  unavailable: 503,
};
