import { DockerEvents, type LoggedEvent } from './docker/events.js';

/** dockerd's three states for its gauge; what restarts or never ran counts as stopped (moby, daemon/container.go). */
export type CountedState = 'running' | 'paused' | 'stopped';

/** What dockerd's metrics count of events: a fold of the log. */
export class EngineTotals {
  /** Events in dockerd's words. */
  events = 0;
  private readonly translation = new DockerEvents();
  private readonly states = new Map<string, CountedState>();

  /** The events of one commit. */
  evolve(events: readonly LoggedEvent[]): void {
    this.events += this.translation.translate(events).length;
    for (const event of events) this.count(event);
  }

  containers(state: CountedState): number {
    let count = 0;
    for (const one of this.states.values()) if (one === state) count++;
    return count;
  }

  private count(event: LoggedEvent): void {
    switch (event.type) {
      case 'ContainerCreated':
      case 'ContainerRestored':
      case 'ContainerExited':
        this.states.set(event.container, 'stopped');
        return;
      case 'ContainerStarted':
      case 'ContainerUnpaused':
        this.states.set(event.container, 'running');
        return;
      case 'ContainerPaused':
        this.states.set(event.container, 'paused');
        return;
      case 'ContainerRemoved':
        this.states.delete(event.container);
    }
  }
}
