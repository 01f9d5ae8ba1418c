/** The engine reads the time: its clock is the log's. */
export const atQuery = (at: string | undefined): string => (at === undefined ? '' : `?at=${encodeURIComponent(at === '' ? ' ' : at)}`);
