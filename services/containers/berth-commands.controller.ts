import { Controller } from '@nestjs/common';
import { type ContainerEdited, EditContainer, RevertContainer } from '#contracts/containers/edit.js';
import { ProtectContainer, type ProtectionChanged, UnprotectContainer } from '#contracts/containers/protection.js';
import { type ContainerRestored, DiscardContainer, ListRemoved, type RemovedContainer, RestoreContainer } from '#contracts/containers/undo.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { Asked, Body, Handles } from '#libs/messaging/handles.js';
import { ContainerEdits } from './application/definition/container-edits.js';
import { ContainerProtection } from './application/definition/container-protection.js';
import { KeptContainers } from './application/undo/kept-containers.js';

/** Commands and queries that Docker does not have. */
@Controller()
export class BerthCommandsController {
  constructor(
    private readonly protection: ContainerProtection,
    private readonly kept: KeptContainers,
    private readonly edits: ContainerEdits,
  ) {}

  @Handles(ProtectContainer)
  protect(@Body() command: ProtectContainer, @Asked() asked: RequestContext): Promise<ProtectionChanged> {
    return this.protection.change(command.container, 'Protect', asked);
  }

  @Handles(UnprotectContainer)
  unprotect(@Body() command: UnprotectContainer, @Asked() asked: RequestContext): Promise<ProtectionChanged> {
    return this.protection.change(command.container, 'Unprotect', asked);
  }

  @Handles(RestoreContainer)
  restore(@Body() command: RestoreContainer, @Asked() asked: RequestContext): Promise<ContainerRestored> {
    return this.kept.restore(command, asked);
  }

  @Handles(DiscardContainer)
  discard(@Body() command: DiscardContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.kept.discard(this.kept.find(command.container).before.spec.id, 'asked', asked);
  }

  @Handles(ListRemoved)
  removed(): { removed: readonly RemovedContainer[]; position: number } {
    return this.kept.list();
  }

  @Handles(EditContainer)
  edit(@Body() command: EditContainer, @Asked() asked: RequestContext): Promise<ContainerEdited> {
    return this.edits.edit(command, asked);
  }

  @Handles(RevertContainer)
  revert(@Body() command: RevertContainer, @Asked() asked: RequestContext): Promise<ContainerEdited> {
    return this.edits.revert(command, asked);
  }
}
