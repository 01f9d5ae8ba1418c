import { setTimeout as delay } from 'node:timers/promises';
import type { LogReceiver } from '#contracts/executor/tasks.js';
import { errorMessage, internal } from '#libs/errors/errors.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import { forwardLog } from '../../adapters/logs/forward-log.js';
import { type WayToReceiver, wayTo } from '../../adapters/logs/way-to-receiver.js';
import type { LiveTask } from '../tasks/live-task.js';
import { logWriterOf } from './log-writer.js';

/** For what a container said last, when its files are about to go. */
const LAST_LINES_MS = 3_000;

interface Forwarder {
  /** Ends what it is about to send, too. */
  readonly stop: () => void;
  /** Resolves when it has come to its end. */
  readonly done: Promise<void>;
}

/** Sends containers' logs to receivers outside, one forwarder a container: it outlives the container's end until all is sent, and goes on where the last executor's was. */
export class LogForwarding {
  private readonly forwarders = new Map<string, Forwarder>();

  constructor(
    private readonly files: ContainerFiles,
    private readonly onTrouble: (error: unknown, about: LogFields) => void,
  ) {}

  /** What a start needs before there is something to send. Rejects, in dockerd's words, when the receiver is not there. */
  async begin(task: LiveTask, receiver: LogReceiver): Promise<void> {
    let way: WayToReceiver | undefined;
    try {
      way = wayTo(receiver);
      await way.outlet.connect();
    } catch (error) {
      way?.outlet[Symbol.dispose]();
      throw internal(`failed to create task for container: failed to initialize logging driver: ${errorMessage(error)}`, error);
    }
    // Of the run before, if its receiver was away: this one begins where it stands.
    while (this.forwarders.has(task.identity.container)) await this.end(task.identity.container);
    const connected = way;
    this.forward(task.identity.container, () => connected, task);
  }

  /** What runs, and what ended with something left to send. */
  async adopt(tasks: Iterable<LiveTask>): Promise<void> {
    const running = new Map([...tasks].map((task) => [task.identity.container, task]));
    for (const container of this.files.containers()) {
      try {
        const receiver = (await this.files.keptLog(container))?.receiver;
        // A start may have been faster.
        if (receiver && !this.forwarders.has(container)) this.forward(container, () => wayTo(receiver), running.get(container));
      } catch (error) {
        this.onTrouble(error, { container });
      }
    }
  }

  /** Resolves when all that the ended container wrote is sent, or its receiver does not take it; nothing of its files is held then. */
  async finish(container: string): Promise<void> {
    const forwarder = this.forwarders.get(container);
    if (!forwarder) return;
    await Promise.race([forwarder.done, delay(LAST_LINES_MS, undefined, { ref: false })]);
    await this.end(container);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.forwarders.keys()].map((container) => this.end(container)));
  }

  private async end(container: string): Promise<void> {
    const forwarder = this.forwarders.get(container);
    if (!forwarder) return;
    forwarder.stop();
    await forwarder.done;
  }

  /** Nobody starts one again that an executor adopts: what its way needs, such as certificates on a file system that is not mounted yet, is tried again. */
  private forward(container: string, makeWay: () => WayToReceiver, task: LiveTask | undefined): void {
    let way: WayToReceiver | undefined;
    const leave = (): void => way?.outlet[Symbol.dispose]();
    const stopping = new AbortController();
    const onTrouble = (error: unknown): void => this.onTrouble(error, { container });
    const done = forwardLog({ path: this.files.log(container), writer: logWriterOf(task), way: () => (way ??= makeWay()), signal: stopping.signal, onTrouble })
      .catch(onTrouble)
      .finally(() => {
        leave();
        if (this.forwarders.get(container) === forwarder) this.forwarders.delete(container);
      });
    const stop = (): void => {
      stopping.abort();
      leave();
    };
    const forwarder = { stop, done };
    this.forwarders.set(container, forwarder);
  }
}
