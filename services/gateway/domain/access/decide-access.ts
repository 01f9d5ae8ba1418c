import type { Caller } from './caller.js';
import { type Grant, grantOf, type Policy, type Power, ROLES, type Role } from './policy.js';
import { type RouteRule, ruleOf } from './route-rules.js';
import type { Wish } from './request-wish.js';

/** Something that a request would change, enter or share, as it is now. */
export interface Touched {
  /** "container web", as a person would name it. */
  readonly what: string;
  /** Those that its maker gave it: an image's own labels say nothing of who may touch a container. */
  readonly labels: Readonly<Record<string, string>>;
  /** What who enters it may do to the host. */
  readonly powers: readonly Power[];
}

/** Before anything is looked up: `look` where the role alone does not decide, since what is named and asked for has to be seen. */
export type FirstDecision = { readonly verdict: 'admit' } | { readonly verdict: 'refuse'; readonly why: string; readonly role?: Role } | { readonly verdict: 'look'; readonly grant: Grant; readonly rule: RouteRule };

const rank = (role: Role): number => ROLES.indexOf(role);

export function decideRoute(policy: Policy, caller: Caller, route: string): FirstDecision {
  const rule = ruleOf(route);
  const { needs } = rule;
  if (needs === 'nobody') return { verdict: 'admit' };
  const grant = grantOf(policy, caller);
  if (grant === undefined) return { verdict: 'refuse', why: 'the policy grants you nothing' };
  if (rank(grant.role) < rank(needs)) return { verdict: 'refuse', why: `it needs the role ${needs}, and you are ${article(grant.role)}`, role: grant.role };
  return grant.role === 'operator' && needs === 'operator' ? { verdict: 'look', grant, rule } : { verdict: 'admit' };
}

/** Why an operator may not; undefined where it may. */
export function refusalOf(grant: Grant, rule: RouteRule, wish: Wish, touched: readonly Touched[]): string | undefined {
  const held = Object.entries(grant.labels);
  const lacks = (powers: readonly Power[]): Power | undefined => powers.find((power) => !grant.allows.includes(power));
  const wished = lacks(wish.powers);
  if (wished !== undefined) return `it asks for ${wished}, which you are not allowed`;
  if (held.length > 0 && (rule.shared || wish.shared)) return `it changes what is everybody's, and you may only touch what has ${shown(held)}`;
  if (wish.labels !== undefined && !fits(held, wish.labels)) return `what you make has to have ${shown(held)} (--label)`;
  const { relabels = {} } = wish;
  if (held.some(([name, value]) => Object.hasOwn(relabels, name) && relabels[name] !== value)) return `what you change has to keep ${shown(held)}`;
  for (const { what, labels, powers } of touched) {
    if (!fits(held, labels)) return `${what} does not have ${shown(held)}`;
    const power = lacks(powers);
    if (power !== undefined) return `${what} has ${power}, which you are not allowed`;
  }
  return undefined;
}

const fits = (held: readonly (readonly [string, string])[], labels: Readonly<Record<string, string>>): boolean => held.every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
const shown = (held: readonly (readonly [string, string])[]): string => `the ${held.length === 1 ? 'label' : 'labels'} ${held.map(([name, value]) => `${name}=${value}`).join(', ')}`;
const article = (role: Role): string => (role === 'reader' ? 'a reader' : `an ${role}`);
