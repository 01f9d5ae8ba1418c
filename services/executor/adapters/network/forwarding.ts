import { closeSync, type FSWatcher, openSync, readFileSync, rmSync, watch } from 'node:fs';
import type { Fd } from '#libs/linux/native.js';
import { writeWhole } from '#libs/linux/whole-file.js';
import { linksOfTheHost } from '../../domain/host/network-cards.js';
import { RouteSocket } from './route-socket.js';
import { setSysctl, sysctl, visiting } from './sysctl.js';

const IP_FORWARD = 'net/ipv4/ip_forward';
/** A program opens a setting before it writes it: inotify tells of the opening before the value is there. */
const WRITTEN_MS = 100;

/**
 * Containers need a host that forwards. One that did not would, from then on, do it between all its links: whose doing it is has to be known for as long as it lasts, which is until the next boot, so that the
 * firewall can keep apart what was apart. Until others want it to forward: who writes the setting once more, though it is on, says so.
 */
export class Forwarding {
  #endWatch: () => void = () => undefined;

  /** `note`: a file, which remembers over restarts of the engine which links there were. */
  constructor(
    private readonly note: string,
    private readonly namespace: Fd = -1,
  ) {}

  /** Where this engine makes the host forward, or is about to: the links that must not reach each other through it. To be asked before `switchOn`, and to keep them apart. */
  linksApart(): readonly string[] | undefined {
    const noted = this.noted();
    if (noted ? noted.length > 0 : visiting(this.namespace, () => sysctl(IP_FORWARD)) === '1') return noted;
    using routes = new RouteSocket(this.namespace);
    const links = linksOfTheHost(routes.links());
    writeWhole(this.note, [boot(), ...links].join('\n'), { mode: 0o600 });
    return links;
  }

  /** `onWanted`: others want the host to forward from now on. */
  switchOn(onWanted: () => void): void {
    visiting(this.namespace, () => {
      this.#endWatch();
      setSysctl(IP_FORWARD, '1');
      if (this.noted()) this.#watch(onWanted);
    });
  }

  stop(): void {
    this.#endWatch();
  }

  #watch(onWanted: () => void): void {
    const path = `/proc/sys/${IP_FORWARD}`;
    // What is open stays the file that others find by the name: the kernel would make another inode once it forgot this one.
    const file = openSync(path, 'r');
    const watcher = watchOf(path);
    let look: NodeJS.Timeout | undefined;
    this.#endWatch = () => {
      clearTimeout(look);
      watcher?.close();
      closeSync(file);
      this.#endWatch = () => undefined;
    };
    watcher?.on('error', this.#endWatch).on('change', () => {
      look ??= setTimeout(() => {
        look = undefined;
        if (readFileSync(`/proc/self/fd/${file}`, 'utf8').trim() !== '1') return;
        this.#endWatch();
        rmSync(this.note, { force: true });
        onWanted();
      }, WRITTEN_MS).unref();
    });
  }

  /** The links that this boot's note tells of; a former release's tells of none, and nothing went between any then. */
  private noted(): readonly string[] | undefined {
    try {
      const [at, ...links] = readFileSync(this.note, 'utf8').split('\n');
      return at === boot() ? links : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Undefined: the kernel has none left, and whoever wants the host to forward has to remove the note. */
function watchOf(path: string): FSWatcher | undefined {
  try {
    return watch(path, { persistent: false });
  } catch {
    return undefined;
  }
}

const boot = (): string => sysctl('kernel/random/boot_id');
