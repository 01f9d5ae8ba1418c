import type { Fd } from '#libs/linux/native.js';
import { NETLINK_NETFILTER, NetlinkSocket } from '#libs/linux/netlink-socket.js';
import { deleteFlow, type UdpFlow, udpFlowsIn, udpFlowsQuery } from '#libs/netlink/conntrack.js';
import { decodeOutcome, encodeMessages, type Message, type Outcome } from '#libs/netlink/messages.js';
import { isAnyAddress, type PublishedPortRule } from './rule-set.js';

/** As many questions as are cheaper than one look at all UDP flows of the host. */
const FEW = 8;
/** So many answers fit into what a socket receives unread. */
const DELETED_AT_ONCE = 100;

/**
 * What the kernel remembers of UDP. It asks the firewall about the first datagram between two ends, and does with those after it what it did with that one: for as long as they keep coming, whatever is
 * published or withdrawn meanwhile, and whoever has the container's address by then. So it is told to forget.
 */
export class UdpFlows {
  /** `onError` hears of what could not be forgotten: nobody's start or end fails by it. */
  constructor(
    private readonly onError: (error: unknown) => void,
    private readonly namespace: Fd = -1,
  ) {}

  /** Flows that come by one of these ports, or have come to one of their containers, but for those that go where `published` says. */
  async forget(rules: readonly PublishedPortRule[], published: readonly PublishedPortRule[] = []): Promise<void> {
    const udp = rules.filter(({ protocol }) => protocol === 'udp');
    if (udp.length === 0) return;
    try {
      using socket = new NetlinkSocket(NETLINK_NETFILTER, this.namespace);
      const flows: UdpFlow[] = [];
      for (const query of queriesFor(udp)) {
        const { replies, refused } = await send(socket, [query]);
        for (const refusal of refused.values()) throw refusal;
        flows.push(...udpFlowsIn(replies));
      }
      const [isConcerned, isLed] = [concernedBy(udp), ledBy(published)];
      const over = flows.filter((flow) => isConcerned(flow) && !isLed(flow));
      for (let from = 0; from < over.length; from += DELETED_AT_ONCE) {
        const { refused } = await send(socket, over.slice(from, from + DELETED_AT_ONCE).map(deleteFlow));
        for (const refusal of refused.values()) if (refusal.code !== 'ENOENT') throw refusal;
      }
    } catch (error) {
      this.onError(error);
    }
  }
}

async function send(socket: NetlinkSocket, messages: readonly Message[]): Promise<Outcome> {
  return decodeOutcome(messages, await socket.transactAsync(encodeMessages(messages)));
}

function queriesFor(rules: readonly PublishedPortRule[]): Message[] {
  const ports = [...new Set(rules.map(({ hostPort }) => hostPort))];
  const addresses = [...new Set(rules.map(({ containerAddress }) => containerAddress))];
  if (ports.length + addresses.length > FEW) return [udpFlowsQuery()];
  return [...ports.map((port) => udpFlowsQuery({ port })), ...addresses.map((answeredFrom) => udpFlowsQuery({ answeredFrom }))];
}

const comesBy = (rule: PublishedPortRule, { original }: UdpFlow): boolean => original.destinationPort === rule.hostPort && (isAnyAddress(rule) || original.destination === rule.hostAddress);

const leads = (rule: PublishedPortRule, flow: UdpFlow): boolean => comesBy(rule, flow) && flow.reply.source === rule.containerAddress && flow.reply.sourcePort === rule.containerPort;

/** Thousands of flows are looked at for thousands of rules. */
function concernedBy(rules: readonly PublishedPortRule[]): (flow: UdpFlow) => boolean {
  const byPort = Map.groupBy(rules, ({ hostPort }) => hostPort);
  const addresses = new Set(rules.map(({ containerAddress }) => containerAddress));
  return (flow) => {
    const isTranslated = flow.reply.source !== flow.original.destination;
    return (byPort.get(flow.original.destinationPort)?.some((rule) => comesBy(rule, flow)) ?? false) || (isTranslated && addresses.has(flow.reply.source));
  };
}

function ledBy(rules: readonly PublishedPortRule[]): (flow: UdpFlow) => boolean {
  const byPort = Map.groupBy(rules, ({ hostPort }) => hostPort);
  return (flow) => byPort.get(flow.original.destinationPort)?.some((rule) => leads(rule, flow)) ?? false;
}
