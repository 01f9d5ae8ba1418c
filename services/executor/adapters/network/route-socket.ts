import type { Fd } from '#libs/linux/native.js';
import { NETLINK_ROUTE, NetlinkSocket } from '#libs/linux/netlink-socket.js';
import { type LinkCounters, linkCountersOf } from '#libs/netlink/link-counters.js';
import type { Message, Outcome } from '#libs/netlink/messages.js';
import { decodeOutcome, encodeMessages } from '#libs/netlink/messages.js';
import type { Link } from '#libs/netlink/route.js';
import { getLink, linksOf, listLinks } from '#libs/netlink/route.js';

/** An rtnetlink socket in one network namespace. Each `send` is one datagram, whatever the number of messages; the kernel does them in order. */
export class RouteSocket implements Disposable {
  readonly #socket: NetlinkSocket;

  /** -1: the engine's own network. */
  constructor(namespace: Fd = -1) {
    this.#socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  }

  /** What was refused is in the outcome: for callers that expect one refusal. */
  try(...messages: Message[]): Outcome {
    return decodeOutcome(messages, this.#socket.transact(encodeMessages(messages)));
  }

  /** The same beside the event loop, for removals. */
  async tryAsync(...messages: Message[]): Promise<Outcome> {
    return decodeOutcome(messages, await this.#socket.transactAsync(encodeMessages(messages)));
  }

  /** Throws NetlinkRefused of the first message refused; those after it were tried nevertheless. */
  send(...messages: Message[]): Outcome {
    const outcome = this.try(...messages);
    for (const refusal of outcome.refused.values()) throw refusal;
    return outcome;
  }

  /** Undefined: there is none of this name. */
  link(name: string): Link | undefined {
    const { replies, refused } = this.try(getLink(name));
    const refusal = refused.get(0);
    if (refusal && refusal.code !== 'ENODEV') throw refusal;
    return linksOf(replies)[0];
  }

  links(): readonly Link[] {
    return linksOf(this.send(listLinks()).replies);
  }

  counters(): readonly LinkCounters[] {
    return linkCountersOf(this.send(listLinks()).replies);
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
