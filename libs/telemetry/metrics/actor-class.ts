/** The kind of an actor, as a label: "root", "user", "cn" of a certificate, "service". A pid or a name would be a series each. */
export function actorClass(actor: string): string {
  const uid = /^uid:(\d+)/.exec(actor)?.[1];
  if (uid !== undefined) return uid === '0' ? 'root' : 'user';
  return actor.split(':')[0] ?? '';
}
