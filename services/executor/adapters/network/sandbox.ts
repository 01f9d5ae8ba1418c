import { closeSync, openSync, writeFileSync } from 'node:fs';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { internal } from '#libs/errors/errors.js';
import type { Fd } from '#libs/linux/native.js';
import { inNetworkNamespace, newNetworkNamespace, newNetworkNamespaceAsync } from '#libs/linux/network-namespace.js';
import { newNetworkNamespaceIn, newUserNamespace, newUserNamespaceAsync, type UserNamespace } from '#libs/linux/user-namespace.js';
import { addAddress, addDefaultRoute, addVeth, deleteLink, setHairpin, setLink } from '#libs/netlink/route.js';
import { idMapText } from '#libs/settings/subordinate-ids.js';
import { RouteSocket } from './route-socket.js';
import { setIpv6Sysctl } from './sysctl.js';

/** Linux gives the loopback link this index in every network namespace. */
const LOOPBACK_INDEX = 1;

/** RFC 3927 */
const LINK_LOCAL_PREFIX = 16;

export interface Attachment {
  /** Name of the bridge, or its link index, which saves a question to the kernel. */
  readonly bridge: string | number;
  /** "veth" and seven hex digits. */
  readonly hostName: string;
  readonly containerName: string;
  readonly mac: string;
  readonly address: string;
  /** Of 169.254.0.0/16. */
  readonly linkLocalAddresses?: readonly string[];
  readonly prefixLength: number;
  /** Absent (an internal network, or not the first one): no default route. */
  readonly gateway?: string;
  readonly mtu: number;
}

/**
 * The network of one container: a namespace that exists before its first process, and its links. Owned by who made it; `close` gives it back, processes in it
 * keep it alive after that.
 */
export class NetworkSandbox implements Disposable {
  readonly #namespace: Fd;
  readonly #outside: Fd;
  readonly #owner: Fd | undefined;
  #inside: RouteSocket | undefined;
  #closed = false;

  private constructor({ network, user }: Pick<UserNamespace, 'network'> & Partial<UserNamespace>, outside: Fd) {
    this.#namespace = network;
    this.#outside = outside;
    this.#owner = user;
  }

  /**
   * A new one with loopback up. `outside`: the network namespace of the bridges, -1: the engine's own. `ids`: it belongs to a new user namespace with these maps.
   * Throws SystemCallError or NetlinkRefused; nothing is left then.
   */
  static create(outside: Fd = -1, ids?: IdMaps): NetworkSandbox {
    return NetworkSandbox.#up(new NetworkSandbox(ids ? newUserNamespace(idMapText(ids.uids), idMapText(ids.gids)) : { network: newNetworkNamespace() }, outside));
  }

  /** The same, of the user namespace at `owner`, where others are. */
  static within(owner: string, outside: Fd = -1): NetworkSandbox {
    const user = openSync(owner, 'r');
    try {
      return NetworkSandbox.#up(new NetworkSandbox({ network: newNetworkNamespaceIn(user), user }, outside));
    } catch (error) {
      closeSync(user);
      throw error;
    }
  }

  static #up(sandbox: NetworkSandbox): NetworkSandbox {
    try {
      sandbox.#ready();
      sandbox.#routes().send(setLink(LOOPBACK_INDEX, { up: true }));
      return sandbox;
    } catch (error) {
      sandbox.close();
      throw error;
    }
  }

  /** The same, most of it beside the event loop. */
  static async createAsync(outside: Fd = -1, ids?: IdMaps): Promise<NetworkSandbox> {
    const made = ids ? await newUserNamespaceAsync(idMapText(ids.uids), idMapText(ids.gids)) : { network: await newNetworkNamespaceAsync() };
    const sandbox = new NetworkSandbox(made, outside);
    try {
      sandbox.#ready();
      const { refused } = await sandbox.#routes().tryAsync(setLink(LOOPBACK_INDEX, { up: true }));
      for (const refusal of refused.values()) throw refusal;
      return sandbox;
    } catch (error) {
      sandbox.close();
      throw error;
    }
  }

  /** As Docker has it: what is in a container may serve low ports and ping without privilege, since the ports are its own. */
  #ready(): void {
    inNetworkNamespace(this.#namespace, () => {
      writeFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', '0');
      writeFileSync('/proc/sys/net/ipv4/ping_group_range', '0 2147483647');
    });
  }

  get fd(): Fd {
    return this.#namespace;
  }

  /** For another process to open while this one lives and the sandbox is not closed. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#namespace}`;
  }

  /** The user namespace that it belongs to, in the same way; undefined: the host's. */
  get ownerPath(): string | undefined {
    return this.#owner === undefined ? undefined : `/proc/${process.pid}/fd/${this.#owner}`;
  }

  /**
   * Joins the sandbox to a bridge by a veth pair, born in their places in one message; only the inner end cannot be born up (ENOTCONN: its peer is not yet).
   * Most of it is beside the event loop: the kernel takes half a millisecond to make two links. Rejects with NetlinkRefused (EEXIST: `hostName` or
   * `containerName` is taken); no link is left then.
   */
  async attach(attachment: Attachment): Promise<void> {
    const { bridge, hostName, containerName, mac, address, linkLocalAddresses = [], prefixLength, gateway, mtu } = attachment;
    using outside = new RouteSocket(this.#outside);
    const master = typeof bridge === 'number' ? bridge : outside.link(bridge)?.index;
    if (master === undefined) throw internal(`the bridge ${bridge} is not there`);
    const { refused } = await outside.tryAsync(
      addVeth({ name: hostName, master, mtu, up: true }, { name: containerName, address: mac, mtu, namespace: this.#namespace }),
      // Where br_netfilter is on, a container that calls its own published port is sent back within the bridge, not through the host.
      setHairpin(hostName),
    );
    const notMade = refused.get(0);
    if (notMade) throw notMade;
    try {
      const noHairpin = refused.get(1);
      if (noHairpin) throw noHairpin;
      // No network of ours carries IPv6: no neighbour can become its router. As with dockerd, ::1 is there all the same, and links that it makes itself are as it likes.
      inNetworkNamespace(this.#namespace, () => setIpv6Sysctl(containerName, 'disable_ipv6', '1'));
      // Not what comes next: an attempt that was refused may have taken a number, or not.
      const index = this.#routes().link(containerName)?.index;
      if (index === undefined) throw internal(`the link ${containerName} is not there`);
      const routed = gateway === undefined ? [] : [addDefaultRoute(index, gateway)];
      this.#routes().send(addAddress(index, address, prefixLength), ...linkLocalAddresses.map((one) => addAddress(index, one, LINK_LOCAL_PREFIX)), setLink(index, { up: true }), ...routed);
    } catch (error) {
      outside.try(deleteLink(hostName));
      throw error;
    }
  }

  /** Gives up the namespace: with its last process the kernel removes the links too, in a worker of its own, within some 50 ms. A second call changes nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inside?.close();
    closeSync(this.#namespace);
    if (this.#owner !== undefined) closeSync(this.#owner);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #routes(): RouteSocket {
    return (this.#inside ??= new RouteSocket(this.#namespace));
  }
}

/** Whether there is a link of this name, and on another bridge. */
export function isOnAnotherBridge(hostName: string, bridge: string): boolean {
  using routes = new RouteSocket();
  const link = routes.counters().find(({ name }) => name === hostName);
  return link !== undefined && link.master !== 0 && link.master !== routes.link(bridge)?.index;
}

/**
 * Removes a veth pair by its outer end, from a container that runs on (network disconnect). One that is not there changes nothing. The kernel waits for all
 * its readers before it answers, 30 ms and more on a thread of the pool: where the container ends, leave the links to the kernel.
 */
export async function detachLink(hostName: string, outside: Fd = -1): Promise<void> {
  using routes = new RouteSocket(outside);
  const refusal = (await routes.tryAsync(deleteLink(hostName))).refused.get(0);
  if (refusal && refusal.code !== 'ENODEV') throw refusal;
}
