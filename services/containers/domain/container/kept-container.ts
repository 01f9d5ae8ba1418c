import type { ContainerEvent } from '#contracts/containers/events.js';
import { conflict, notFound } from '#libs/errors/errors.js';
import type { ContainerCommand } from './container-decider.js';
import type { Container, KeptContainer, PresentContainer } from './container-state.js';

/** A container that was removed is there for nobody but who brings it back, or lets it go. */
export function decideKept(command: ContainerCommand, kept: KeptContainer): readonly ContainerEvent[] {
  const { at } = command;
  const { spec, run } = kept.before;
  const container = spec.id;
  switch (command.type) {
    case 'Create':
      throw conflict(`container ${container} exists already`);
    case 'Restore':
      if (kept.status === 'restoring') throw conflict(`container ${container} is being restored`);
      return [{ type: 'RestoreRequested', container, name: command.name, at }];
    case 'RecordRestored': {
      if (kept.status !== 'restoring') return [];
      const { id: _id, ...made } = spec;
      return [{ type: 'ContainerRestored', container, ...made, name: kept.name, start: run.start, at }];
    }
    case 'RecordRestoreFailed':
      return kept.status === 'restoring' ? [{ type: 'RestoreFailed', container, error: command.error, at }] : [];
    case 'Discard':
      if (kept.status === 'restoring' && command.reason === 'asked') throw conflict(`container ${container} is being restored`);
      return kept.status === 'kept' ? [{ type: 'ContainerDiscarded', container, reason: command.reason, at }] : [];
    default:
      // What is reported of a container that was removed meanwhile concerns nobody.
      if (command.type.startsWith('Record')) return [];
      throw notFound('No such container');
  }
}

export function evolveKept(kept: KeptContainer, event: ContainerEvent): Container {
  switch (event.type) {
    case 'RestoreRequested':
      return { ...kept, status: 'restoring', name: event.name };
    case 'ContainerRestored':
      return { ...kept.before, spec: { ...kept.before.spec, name: event.name } };
    case 'RestoreFailed': {
      const { before, removedAt, until, volumes } = kept;
      return { status: 'kept', before, removedAt, until, volumes };
    }
    case 'ContainerDiscarded':
      return { status: 'absent' };
    default:
      return kept;
  }
}

/**
 * A container at its removal, as it will be when it comes back: it does not run, and what was asked of its run, to stop or to begin anew, is over with it. So is an image that is
 * being made of it: what becomes of that concerns nobody by then.
 */
export function keptFrom(state: PresentContainer, removedAt: string, until: string): KeptContainer {
  const { remove, update: _undone, edit: _either, commit: _too, pending: _had, run: ran, ...before } = state;
  const { stopRequested: _over, kill: _sent, ...run } = ran;
  return { status: 'kept', before: { ...before, run, status: run.start > 0 ? 'exited' : 'created' }, removedAt, until, volumes: remove?.volumes ?? false };
}
