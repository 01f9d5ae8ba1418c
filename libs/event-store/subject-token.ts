/** A name as one token of a NATS subject: what separates or matches there ('.', '*', '>', blanks) is percent-encoded. */
export const subjectToken = (name: string): string => encodeURIComponent(name).replaceAll('.', '%2E').replaceAll('*', '%2A').replaceAll('~', '%7E');
