import type { Bus } from '#libs/messaging/bus.js';
import type { ContainerDirectory, Containers, Names } from '../names/container-directory.js';
import type { ContainerLinks } from '../names/container-links.js';
import type { PendingAttaches } from '../streams/pending-attaches.js';
import type { UndoGrace } from '../undo/undo-grace.js';
import { ContainerKills } from './container-kills.js';
import type { ContainerPauses } from './container-pauses.js';
import { ContainerRemovals } from './container-removals.js';
import { ContainerRestarts } from './container-restarts.js';
import { ContainerStarts } from './container-starts.js';
import { ContainerStops } from './container-stops.js';
import type { ExitWaits } from './exit-waits.js';
import type { Outcomes } from './outcome-retries.js';
import { RunEnds } from './run-ends.js';
import type { RunEndpoints } from './run-endpoints.js';

/** What brings containers from one state to the next. Each appends its intent first, and can be entered again after a crash at the step where it was: what was done is done once. */
export class ContainerLifecycle {
  readonly ends: RunEnds;
  readonly starts: ContainerStarts;
  readonly stops: ContainerStops;
  readonly restarts: ContainerRestarts;
  readonly kills: ContainerKills;
  readonly removals: ContainerRemovals;

  constructor(
    containers: Containers,
    names: Names,
    directory: ContainerDirectory,
    pauses: ContainerPauses,
    waits: ExitWaits,
    attaches: PendingAttaches,
    runEndpoints: RunEndpoints,
    links: Pick<ContainerLinks, 'moved'>,
    outcomes: Pick<Outcomes, 'tell'>,
    bus: Bus,
    grace: Pick<UndoGrace, 'secondsFor'>,
    /** Whether containers have other ids than the host's. */
    isRemapped: boolean,
  ) {
    this.ends = new RunEnds(containers, directory, waits, outcomes, bus);
    this.starts = new ContainerStarts(containers, directory, this.ends, attaches, runEndpoints, links, outcomes, bus, isRemapped, (id, asked) => this.removals.remove(id, { force: true, volumes: true }, asked));
    this.stops = new ContainerStops(containers, directory, this.starts, this.ends, pauses);
    this.restarts = new ContainerRestarts(containers, directory, this.starts, this.stops);
    this.kills = new ContainerKills(containers, directory, this.starts, this.ends, pauses);
    this.removals = new ContainerRemovals(containers, names, directory, this.starts, this.ends, bus, grace);
  }
}
