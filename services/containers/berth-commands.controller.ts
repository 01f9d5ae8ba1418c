import { Controller } from '@nestjs/common';
import { ProtectContainer, type ProtectionChanged, UnprotectContainer } from '#contracts/containers/protection.js';
import type { RequestContext } from '#contracts/request.js';
import { Asked, Body, Handles } from '#libs/messaging/handles.js';
import { ContainerProtection } from './application/container-protection.js';

/** Commands that Docker does not have. */
@Controller()
export class BerthCommandsController {
  constructor(private readonly protection: ContainerProtection) {}

  @Handles(ProtectContainer)
  protect(@Body() command: ProtectContainer, @Asked() asked: RequestContext): Promise<ProtectionChanged> {
    return this.protection.change(command.container, 'Protect', asked);
  }

  @Handles(UnprotectContainer)
  unprotect(@Body() command: UnprotectContainer, @Asked() asked: RequestContext): Promise<ProtectionChanged> {
    return this.protection.change(command.container, 'Unprotect', asked);
  }
}
