import type { Caller } from './caller.js';

/** What a caller may do at most; each may what those before it may. */
export const ROLES = ['reader', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Ways in which a container gets hold of the host. An operator has none of them unless the grant allows it. */
export const POWERS = ['privileged', 'host-namespaces', 'bind-mounts', 'capabilities', 'devices', 'security-options'] as const;
export type Power = (typeof POWERS)[number];

/** The callers that a grant is for: all that is given has to fit. `anyone` is every caller that can open a connection. */
export interface Grantee {
  readonly uid?: number;
  readonly gid?: number;
  readonly commonName?: string;
  readonly organisationalUnit?: string;
  readonly anyone?: true;
}

export interface Grant {
  readonly to: Grantee;
  readonly role: Role;
  /** Of an operator: changes, and enters, only what has all these labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of an operator: what else its containers may be. */
  readonly allows: readonly Power[];
}

/** The grants in the order of the file: the first that fits a caller is the caller's. Whom none fits may do nothing. */
export interface Policy {
  readonly grants: readonly Grant[];
}

export function grantOf({ grants }: Policy, caller: Caller): Grant | undefined {
  return grants.find(({ to }) => isFor(to, caller));
}

function isFor(to: Grantee, caller: Caller): boolean {
  const local = caller.by === 'socket' ? caller : undefined;
  const certificate = caller.by === 'certificate' ? caller : undefined;
  if (to.uid !== undefined && to.uid !== local?.uid) return false;
  if (to.gid !== undefined && to.gid !== local?.gid && local?.groups.includes(to.gid) !== true) return false;
  if (to.commonName !== undefined && to.commonName !== certificate?.commonName) return false;
  return to.organisationalUnit === undefined || certificate?.organisationalUnits.includes(to.organisationalUnit) === true;
}
