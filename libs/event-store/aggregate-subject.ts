import { invalid } from '#libs/errors/errors.js';
import type { AggregateSubject } from './event.js';

export const eventPrefix = 'berth.event';

/** nats-server cuts whoever sends a longer line (max_control_line, 4096), which has more than the subject in it: a whole process would be without its log. */
const LONGEST_SUBJECT = 3_072;

/** All commits of one kind of aggregate. */
export const kindFilter = (kind: string): string => `${eventPrefix}.${kind}.>`;

/**
 * The subject of one aggregate. NATS gives dots, wildcards and spaces in a subject a meaning, and refuses empty tokens; a volume may be named
 * `a..b`. So an id is one token, with what NATS would not take literally as %XX of its UTF-8. Throws invalid where that is longer than a subject can be.
 */
export function subjectOf(kind: string, id: string): AggregateSubject {
  const subject = `${eventPrefix}.${kind}.${/^[\w:/@+=-]+$/.test(id) ? id : escapeToken(id)}`;
  if (subject.length > LONGEST_SUBJECT) throw invalid(`the ${kind} "${id.slice(0, 64)}…" has too long a name: ${id.length} characters`);
  return subject;
}

/** The kind and id that a subject names. Throws where it is no aggregate's subject. */
export function parseSubject(subject: AggregateSubject): { readonly kind: string; readonly id: string } {
  const [, kind, token] = /^berth\.event\.([^.]+)\.(.+)$/.exec(subject) ?? [];
  if (kind === undefined || token === undefined) throw new Error(`${subject} is not the subject of an aggregate`);
  return { kind, id: token.includes('%') ? decodeURIComponent(token) : token };
}

/** Whether `parseSubject` knows it: the log takes answers, too, at any subject below the prefix. */
export function isAggregate(subject: string): boolean {
  try {
    parseSubject(subject);
    return true;
  } catch {
    return false;
  }
}

function escapeToken(id: string): string {
  if (id === '') throw new Error('an aggregate has an id');
  return encodeURIComponent(id).replace(/[.!~*'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** NATS subject matching: `*` is one token, `>` at the end one or more. */
export function matches(filter: string, subject: string): boolean {
  if (filter.endsWith('.>') && !filter.includes('*')) return subject.length >= filter.length && subject.startsWith(filter.slice(0, -1));
  const wanted = filter.split('.');
  const tokens = subject.split('.');
  for (const [index, want] of wanted.entries()) {
    if (want === '>') return tokens.length > index;
    if (tokens[index] === undefined || (want !== '*' && want !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}
