import type { Done, RequestContext } from '#contracts/request.js';
import { BerthError, conflict, invalid } from '#libs/errors/errors.js';
import { checkContainerName } from '../../domain/name/container-name.js';
import type { ContainerDirectory, Containers } from './container-directory.js';
import type { NameClaims } from './name-claims.js';

/** Gives containers other names: the claim, that it is called so, and the end of the claim before. One at a time for a container. */
export class ContainerRenames {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly claims: Pick<NameClaims, 'inTurn' | 'take' | 'giveBack' | 'abandon'>,
  ) {}

  async rename(reference: string, wanted: string, asked: RequestContext): Promise<Done> {
    const { id } = this.directory.find(reference).spec;
    const name = wanted.replace(/^\//, '');
    checkContainerName(name, 'Error when allocating new name: Invalid container name (/');
    return this.claims.inTurn(id, () => this.renameTo(id, name, asked));
  }

  private async renameTo(id: string, name: string, asked: RequestContext): Promise<Done> {
    if (name === this.directory.find(id).spec.name) {
      if (asked.idempotencyKey !== undefined && (await this.containers.wasDone(id, 'Rename', asked.idempotencyKey))) return { position: this.containers.position };
      throw invalid('Renaming a container with the same name as its current name');
    }
    await this.claims.take(name, id, asked).catch((error: unknown) => {
      throw error instanceof BerthError && error.kind === 'conflict' ? conflict(`Error when allocating new name: ${error.message}`) : error;
    });
    const { events, position, repeated } = await this.containers.execute(id, { type: 'Rename', name, at: new Date().toISOString() }, asked).catch(async (error: unknown) => {
      await this.claims.abandon(name, id, error, asked);
      throw error;
    });
    if (repeated) await this.claims.giveBack(name, id, asked); // it may be called otherwise by now
    for (const event of events) if (event.type === 'ContainerRenamed') await this.claims.giveBack(event.oldName, id, asked);
    return { position };
  }
}
