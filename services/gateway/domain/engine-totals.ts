import { DockerEvents, type FrozenDockerEvents, type LoggedEvent } from './docker/events.js';

/** dockerd's three states for its gauge; what restarts or never ran counts as stopped (moby, daemon/container.go). */
export type CountedState = 'running' | 'paused' | 'stopped';

/** What is kept of it, as JSON. */
export interface FrozenTotals {
  readonly events: number;
  readonly translation: FrozenDockerEvents;
  readonly states: readonly (readonly [container: string, state: CountedState])[];
}

/** Version of what is kept, and of what is made of events, dockerd's words included: change it with either. */
export const TOTALS_FOLD = '2';

/** What dockerd's metrics count of events: a fold of the log. */
export class EngineTotals {
  /** Events in dockerd's words. */
  events = 0;
  private translation = new DockerEvents();
  private states = new Map<string, CountedState>();

  static from({ events, translation, states }: FrozenTotals): EngineTotals {
    const totals = new EngineTotals();
    totals.events = events;
    totals.translation = DockerEvents.from(translation);
    totals.states = new Map(states);
    return totals;
  }

  freeze(): FrozenTotals {
    return { events: this.events, translation: this.translation.freeze(), states: [...this.states] };
  }

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
