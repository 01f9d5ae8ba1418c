/** What Berth says it is, in headers, /version and /info. */
export const BERTH_VERSION = '0.1.0';
