import type { Reply } from './messages.js';
import { align } from './attributes.js';

/** Since the link was made, as its own side sees it (linux/if_link.h, struct rtnl_link_stats64). */
export interface LinkCounters {
  readonly name: string;
  readonly index: number;
  /** Index of the bridge; 0: none. */
  readonly master: number;
  readonly received: Traffic;
  readonly sent: Traffic;
}

export interface Traffic {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

const RTM_NEWLINK = 16;
const IFINFOMSG_BYTES = 16;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_STATS64 = 23;

/**
 * The counters of all links among the replies of listLinks. Read by hand: a link of a dump has some sixty attributes, three are wanted, and there is a link for
 * each container.
 */
export function linkCountersOf(replies: readonly Reply[]): readonly LinkCounters[] {
  const links: LinkCounters[] = [];
  for (const { type, payload } of replies) {
    if (type !== RTM_NEWLINK) continue;
    let name = '';
    let master = 0;
    let statistics = -1;
    for (let at = IFINFOMSG_BYTES; at + 4 <= payload.length; ) {
      const length = payload.readUInt16LE(at);
      if (length < 4 || at + length > payload.length) break;
      const attribute = payload.readUInt16LE(at + 2) & 0x3fff;
      if (attribute === IFLA_IFNAME) name = payload.toString('latin1', at + 4, at + length - 1);
      else if (attribute === IFLA_MASTER) master = payload.readUInt32LE(at + 4);
      else if (attribute === IFLA_STATS64 && length >= 4 + 8 * 8) statistics = at + 4;
      at += align(length);
    }
    if (statistics < 0) continue;
    // rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped.
    const counter = (index: number): number => payload.readUInt32LE(statistics + index * 8) + payload.readUInt32LE(statistics + index * 8 + 4) * 2 ** 32;
    links.push({
      name,
      index: payload.readInt32LE(4),
      master,
      received: { packets: counter(0), bytes: counter(2), errors: counter(4), dropped: counter(6) },
      sent: { packets: counter(1), bytes: counter(3), errors: counter(5), dropped: counter(7) },
    });
  }
  return links;
}
