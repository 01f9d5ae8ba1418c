/** One record of Docker's json-file format. A partial line has no newline at its end. */
export interface LogRecord {
  readonly log: string;
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nine digits, in UTC. */
  readonly time: string;
}
