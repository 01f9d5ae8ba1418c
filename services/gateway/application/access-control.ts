import { readFile } from 'node:fs/promises';
import { GetContainer, GetExec } from '#contracts/containers/queries.js';
import type { ContainerView } from '#contracts/containers/container-state.js';
import type { RequestContext } from '#contracts/request.js';
import { GetVolume } from '#contracts/volumes/volumes.js';
import { BerthError, errorMessage, forbidden, invalid } from '#libs/errors/errors.js';
import type { Caller } from '../domain/access/caller.js';
import { actorName } from '../domain/access/caller.js';
import { decideRoute, refusalOf, type Touched } from '../domain/access/decide-access.js';
import { joinedBy, powersOf } from '../domain/access/host-powers.js';
import type { Policy, Power } from '../domain/access/policy.js';
import { readPolicy } from '../domain/access/read-policy.js';
import type { RouteRule } from '../domain/access/route-rules.js';
import { NO_WISH, type Wish, wishOf } from '../domain/access/request-wish.js';
import { flag, type QueryValues } from '../domain/requests/query-values.js';
import type { EngineClient } from './engine-client.js';
import type { RefusalLog } from './refusals.js';

/** A policy is written by hand: more than this is none. */
const LARGEST_POLICY_BYTES = 1024 * 1024;

/** A request after parsing: what its controller will be given. */
export interface Asking {
  readonly caller: Caller;
  readonly context: RequestContext;
  /** "POST /containers/:id/start" */
  readonly route: string;
  /** Values of the path's parameters. What was looked up by a name is put here as its full id: nothing else can be meant any more. */
  readonly params: Record<string, string>;
  /** The same of a container that a commit names. */
  readonly query: Record<string, QueryValues[string]>;
  readonly body?: unknown;
}

/** Ids of the containers that a body names, by those names: nobody else may be meant by them. */
export type CheckedNames = Readonly<Record<string, string>>;

/** What a path names. */
interface Named {
  readonly param: string;
  readonly id: string;
  readonly container?: string;
  readonly touched: readonly Touched[];
}

/** The policy in force, and what it takes to decide by it. Without a policy file whoever has a connection is an admin, and nothing is looked at. */
export class AccessControl {
  private policy: Policy | undefined;

  constructor(
    private readonly engine: EngineClient,
    private readonly refusals: RefusalLog,
    private readonly policyPath: string | undefined,
  ) {}

  get isOpen(): boolean {
    return this.policy === undefined;
  }

  /** Reads the policy file (again); without one there is nothing to read. Rejects as invalid, naming file, place and reason, and the policy that was in force stays so. */
  async reload(): Promise<void> {
    if (this.policyPath === undefined) return;
    try {
      const text = await readFile(this.policyPath, 'utf8');
      if (text.length > LARGEST_POLICY_BYTES) throw invalid('it is larger than 1 MiB');
      this.policy = readPolicy(text);
    } catch (error) {
      throw invalid(`the policy ${this.policyPath}: ${errorMessage(error)}`, error);
    }
  }

  /** Resolves to what it decided by, if to anything. Rejects as forbidden, once that is on the log; with what a lookup rejects with when what is named is not there. */
  async admit(asking: Asking): Promise<CheckedNames | undefined> {
    if (this.policy === undefined) return undefined;
    const first = decideRoute(this.policy, asking.caller, asking.route);
    if (first.verdict === 'admit') return undefined;
    if (first.verdict === 'refuse') return this.refuse(asking, first.why);
    const { grant, rule } = first;
    const wish = rule.wishes === undefined ? NO_WISH : wishOf(rule.wishes, asking.query, asking.body);
    // Cheap refusals first: what they are refused for needs no looking up.
    const early = refusalOf(grant, rule, wish, []);
    if (early !== undefined) return this.refuse(asking, early);
    const looks = Object.keys(grant.labels).length > 0 || rule.enters === true || wish.containers.length > 0;
    if (!looks) return undefined;
    const named = await this.named(rule, asking);
    const wished = await this.wished(wish, asking.context);
    const why = refusalOf(grant, rule, wish, [...(named?.touched ?? []), ...wished.touched]);
    if (why !== undefined) return this.refuse(asking, why, named?.container);
    if (named !== undefined) asking.params[named.param] = named.id;
    if (rule.wishes === 'commit') Object.assign(asking.query, { container: Object.values(wished.names)[0] });
    return wished.names;
  }

  /** Never resolves. */
  private async refuse({ caller, route, params, context }: Asking, reason: string, container?: string): Promise<never> {
    const target = params.id ?? params.name;
    await this.refusals.record(caller, { route, ...(target === undefined ? {} : { target }), ...(container === undefined ? {} : { container }), reason, by: 'policy' }, context);
    throw forbidden(`access denied: ${actorName(caller)} may not ${target === undefined ? route : `${route} (${target})`}: ${reason}`);
  }

  /** What the path names, by its rule. */
  private async named(rule: RouteRule, { route, params, query, context }: Asking): Promise<Named | undefined> {
    if (rule.touches === undefined) return undefined;
    const param = params.id === undefined ? 'name' : 'id';
    const wanted = params[param] ?? '';
    if (rule.touches === 'volume') {
      const { name, labels } = await this.engine.ask(GetVolume, { name: wanted }, context);
      return { param, id: name, touched: [{ what: `volume ${name}`, labels, powers: [] }] };
    }
    if (rule.touches === 'container') {
      // A link is its owner's, "web/db"; removing it does nothing to the container that it leads to. Every other route takes the name for the container that it leads to, whatever its query says.
      const [, owner, alias] = (route === 'DELETE /containers/:id' && flag(query, 'link') ? /^\/?(.+)\/([^/]+)$/.exec(wanted) : undefined) ?? [];
      const view = await this.engine.ask(GetContainer, { container: owner ?? wanted }, context);
      if (alias !== undefined) return { param, id: `${view.id}/${alias}`, container: view.id, touched: [touchedContainer(view)] };
      return { param, id: view.id, container: view.id, touched: rule.enters ? await this.entered(view, context) : [touchedContainer(view)] };
    }
    const exec = await this.engine.ask(GetExec, { exec: wanted }, context);
    const touched = await this.entered(await this.engine.ask(GetContainer, { container: exec.container }, context), context);
    const privileged: Touched = { what: 'the command', labels: touched[0].labels, powers: ['privileged'] };
    return { param, id: exec.id, container: exec.container, touched: exec.config.privileged ? [...touched, privileged] : touched };
  }

  /** A volume that is not there has no labels yet: who is held to some makes it first. */
  private async wished({ containers, volumes }: Wish, context: RequestContext): Promise<{ readonly touched: readonly Touched[]; readonly names: CheckedNames }> {
    const shared = await Promise.all(containers.map(async (container) => this.engine.ask(GetContainer, { container }, context)));
    const entered = shared.map((view) => this.entered(view, context));
    const mounted = volumes.map(async (name): Promise<Touched> => {
      const labels = await this.engine.ask(GetVolume, { name }, context).then((view) => view.labels, none);
      return { what: `volume ${name}`, labels, powers: [] };
    });
    return {
      touched: [...(await Promise.all(entered)).flat(), ...(await Promise.all(mounted))],
      names: Object.fromEntries(containers.map((name, index) => [name, shared[index]?.id ?? ''])),
    };
  }

  /** A container, and those whose namespaces it is in, and theirs: who enters it is in all of them. */
  private async entered(view: ContainerView, context: RequestContext): Promise<readonly [Touched, ...Touched[]]> {
    const joined: Touched[] = [];
    const seen = new Set([view.id]);
    const next = [...joinedBy(view.hostConfig)];
    for (let container = next.shift(); container !== undefined; container = next.shift()) {
      if (seen.has(container)) continue;
      seen.add(container);
      const other = await this.engine.ask(GetContainer, { container }, context).catch(absent);
      if (other === undefined) {
        // What it was nobody can tell any more, and its namespaces live on.
        joined.push({ what: `container ${container}, which is gone and`, labels: {}, powers: ['host-namespaces'] });
      } else {
        joined.push(enteredAlone(other));
        next.push(...joinedBy(other.hostConfig));
      }
    }
    return [enteredAlone(view), ...joined];
  }
}

function touchedContainer({ name, config, labelsOfImage = [] }: ContainerView): Touched {
  const labels = Object.fromEntries(Object.entries(config.Labels ?? {}).filter(([label]) => !labelsOfImage.includes(label)));
  return { what: `container ${name}`, labels, powers: [] };
}

function enteredAlone(view: ContainerView): Touched {
  // Mounts may be borrowed of another container, by --volumes-from.
  const powers = new Set<Power>([...powersOf({ ...view.hostConfig }), ...(view.mounts.some(({ type }) => type === 'bind') ? (['bind-mounts'] as const) : [])]);
  return { ...touchedContainer(view), powers: [...powers] };
}

function absent(error: unknown): undefined {
  if (error instanceof BerthError && error.kind === 'not-found') return undefined;
  throw error;
}

function none(error: unknown): Readonly<Record<string, string>> {
  if (error instanceof BerthError && error.kind === 'not-found') return {};
  throw error;
}
