import { ChangeTaskHosts, type HostChange } from '#contracts/executor/tasks.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { notFound, unclassified } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import { parseLinkName } from '../../domain/network/links.js';
import type { ContainerDirectory, Containers } from './container-directory.js';

/** All that is asked here is the same when given twice. */
const AGAIN = { timeoutMs: 60_000, askAgainMs: 5_000 };

/** Links of containers that run already, whose /etc/hosts has them. */
export class ContainerLinks {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly bus: Bus,
  ) {}

  /** `reference`: whose link, and what it is called there, "web/db". Only a run that goes on has to be told: the next one begins without. */
  async remove(reference: string, asked: RequestContext): Promise<Done> {
    this.directory.find(reference);
    const name = parseLinkName(reference);
    if (name === undefined) throw unclassified('Conflict, cannot remove the default link name of the container');
    const owner = this.directory.tryFind(name.owner);
    if (owner === undefined) throw notFound(`No such container: ${reference}`);
    const { id } = owner.spec;
    const { position, repeated } = await this.containers.execute(id, { type: 'RemoveLink', alias: name.alias, at: new Date().toISOString() }, asked);
    if (!asked.dryRun && !repeated) await this.tell(owner, [{ name: name.alias }], asked);
    return { position };
  }

  /** To all that call `container` by a link: it begins another run, at this address. */
  async moved(container: string, address: string, asked: RequestContext): Promise<void> {
    const told = this.directory.all().map((owner) => {
      const aliases = this.directory.linksOf(owner).flatMap(({ alias, target }) => (target.spec.id === container ? [alias] : []));
      return this.tell(owner, aliases.map((name) => ({ name, address })), asked);
    });
    await Promise.all(told);
  }

  private async tell({ status, spec, run }: PresentContainer, changes: readonly HostChange[], asked: RequestContext): Promise<void> {
    // A container that starts waits for those it links to, and then has all of their names.
    if (changes.length === 0 || (status !== 'running' && status !== 'paused')) return;
    const { idempotencyKey: _key, ...cause } = asked;
    await this.bus.request(ChangeTaskHosts, { container: spec.id, start: run.start, changes }, cause, AGAIN);
  }
}
