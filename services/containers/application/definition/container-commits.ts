import type { CommitContainer } from '#contracts/containers/commands.js';
import { CommitImage } from '#contracts/images/images.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { errorMessage } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { parseNewTag } from '#libs/oci/reference.js';
import { committedConfig } from '../../domain/committed-config.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { ContainerPauses } from '../lifecycle/container-pauses.js';
import { ContainerTurns } from '../lifecycle/container-turns.js';
import { earlierOutcome } from '../lifecycle/earlier-outcome.js';
import type { Outcomes } from '../lifecycle/outcome-retries.js';

/** Gigabytes may be read, hashed, written and unpacked. The same commit twice is the same image. */
const MAKING = { timeoutMs: 60 * 60_000, askAgainMs: Infinity };

/** Images made of containers: the intent, a pause of what runs, the image, that it is there, and the end of the pause. */
export class ContainerCommits {
  private readonly turns = new ContainerTurns();

  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly pauses: ContainerPauses,
    private readonly outcomes: Pick<Outcomes, 'tell'>,
    private readonly bus: Bus,
  ) {}

  async commit({ container, reference, author, comment, changes, config, pause }: CommitContainer, asked: RequestContext): Promise<Done & { image: string }> {
    const { spec } = this.directory.find(container);
    const wish = { reference: reference === '' ? '' : parseNewTag(reference), author, comment, config: committedConfig(spec.config, changes, config) };
    return this.turns.take(spec.id, async () => {
      const { position, repeated } = await this.containers.execute(spec.id, { type: 'Commit', pause, wish, at: now() }, asked);
      if (asked.dryRun) return { position, image: '' };
      const outcome = repeated && (await earlierOutcome(this.containers, spec.id, position, ['ContainerCommitted', 'CommitFailed']));
      return outcome && outcome.type === 'ContainerCommitted' ? { position: this.containers.position, image: outcome.image } : this.make(spec.id, asked);
    });
  }

  /** The part behind the intent, or the end of the pause, where that is all that is left. */
  finish(id: string, asked: RequestContext): Promise<void> {
    return this.turns.take(id, async () => {
      if (this.directory.get(id)?.run.changing) await this.pauses.finish(id, asked);
      if (this.directory.get(id)?.commit) await this.make(id, asked);
      else await this.thaw(id, asked);
    });
  }

  private async make(id: string, asked: RequestContext): Promise<Done & { image: string }> {
    const container = this.directory.get(id);
    if (!container?.commit) return { position: this.containers.position, image: '' };
    const { spec, commit } = container;
    // The request's key is the intent's.
    const { idempotencyKey: _key, ...cause } = asked;
    // What cannot be paused any more, such as one that ended, is committed as it is.
    if (commit.pauses && container.status === 'running') await this.pauses.pause(id, cause).catch(() => undefined);
    const { config, author, comment, reference, at: createdAt } = commit;
    const wanted = { container: id, parent: spec.imageId, layers: spec.layers, config, createdBy: (spec.config.Cmd ?? []).join(' '), author, comment, createdAt, reference };
    const record = async (outcome: { type: 'RecordCommitted'; image: string } | { type: 'RecordCommitFailed'; error: string }): Promise<Done> =>
      this.outcomes.tell(id, () => this.containers.execute(id, { ...outcome, at: now() }, cause), cause);
    try {
      const { id: image } = await this.bus.request(CommitImage, wanted, cause, MAKING).catch(async (error: unknown) => {
        await record({ type: 'RecordCommitFailed', error: errorMessage(error) });
        throw error;
      });
      const { position } = await record({ type: 'RecordCommitted', image });
      return { position, image };
    } finally {
      await this.outcomes.tell(id, () => this.thaw(id, cause), cause);
    }
  }

  private async thaw(id: string, cause: RequestContext): Promise<void> {
    const { status, run } = this.directory.get(id) ?? {};
    if (run?.thaws && status === 'paused') await this.pauses.unpause(id, cause);
  }
}

const now = (): string => new Date().toISOString();
