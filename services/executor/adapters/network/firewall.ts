import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { conflict, internal, notFound, unavailable } from '#libs/errors/errors.js';
import type { Fd } from '#libs/linux/native.js';
import { inNetworkNamespace } from '#libs/linux/network-namespace.js';
import { NETLINK_NETFILTER, NetlinkSocket } from '#libs/linux/netlink-socket.js';
import { decodeOutcome, encodeMessages } from '#libs/netlink/messages.js';
import { chainQuery, concatenation, elementBatch, elementsIn, elementsQuery, rulesInChain } from '#libs/netlink/nftables.js';
import type { PublishedPortRule, RuleSet } from './rule-set.js';
import { publishedElement, PUBLISHED_MAPS, ruleSetText, tableName } from './rule-set.js';

/** Of a map that others change all the time, until it is called unknown. */
const LOOKS = 20;

/**
 * The engine's nftables table, in one network namespace. A change of networks is one transaction through nft(8), a cold path; changes wait for each other.
 * Rejects with unavailable where nft is not installed, internal with nft's own words where the kernel refuses.
 */
export class Firewall {
  readonly #table: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    table: string,
    readonly namespace: Fd = -1,
  ) {
    this.#table = tableName(table);
  }

  /** The table is this afterwards, whatever it was; others stay. */
  applyRuleSet(rules: Omit<RuleSet, 'table'>): Promise<void> {
    return this.#run(ruleSetText({ ...rules, table: this.#table }));
  }

  /** A table that is not there changes nothing. */
  removeRuleSet(): Promise<void> {
    return this.#run(`table ip ${this.#table}\ndelete table ip ${this.#table}\n`);
  }

  /** Whether the table is there with its rules: somebody else may have flushed all tables, or all rules. A look at one chain that is never empty. */
  hasRules(): boolean {
    using socket = new NetlinkSocket(NETLINK_NETFILTER, this.namespace);
    const query = [chainQuery(this.#table, 'forward')];
    const { replies, refused } = decodeOutcome(query, socket.transact(encodeMessages(query)));
    for (const refusal of refused.values()) if (refusal.code !== 'ENOENT') throw refusal;
    return replies.some(({ payload }) => rulesInChain(payload) > 0);
  }

  /** All published ports that the kernel knows, each by the name that `nameOf` gives it; undefined: the table is not there, or has lost its rules. */
  publishedRules(): ReadonlySet<string> | undefined {
    if (!this.hasRules()) return undefined;
    const names = new Set<string>();
    for (const map of PUBLISHED_MAPS) for (const name of this.#elementsOf(map)) names.add(name);
    return names;
  }

  /**
   * The kernel finds the place of each further part of an answer by counting, so that a table that it rehashes between two parts (a moment after many
   * elements came or went) gives some twice and others never: what came in parts counts once a second look finds the same.
   */
  #elementsOf(map: string): ReadonlySet<string> {
    let before: ReadonlySet<string> | undefined;
    for (let look = 1; ; look += 1) {
      const { names, parts } = this.#lookAt(map);
      if (parts <= 1 || (before !== undefined && before.symmetricDifference(names).size === 0)) return names;
      if (look === LOOKS) throw unavailable(`the map ${map} of ${this.#table} was another at each of ${LOOKS} looks`);
      before = names;
    }
  }

  #lookAt(map: string): { readonly names: ReadonlySet<string>; readonly parts: number } {
    using socket = new NetlinkSocket(NETLINK_NETFILTER, this.namespace);
    const query = [elementsQuery(this.#table, map)];
    const { replies, refused } = decodeOutcome(query, socket.transact(encodeMessages(query)));
    for (const refusal of refused.values()) if (refusal.code !== 'ENOENT') throw refusal;
    return { names: new Set(elementsIn(replies).map(({ key, value }) => elementName(map, key, value))), parts: replies.length };
  }

  nameOf(rule: PublishedPortRule): string {
    const { map, key, value } = publishedElement(this.#table, rule);
    return elementName(map, concatenation(key), concatenation(value));
  }

  /** All or none, in one netlink transaction of some 0.1 ms. A port that is published to the same place already changes nothing; to another one: conflict. */
  publish(ports: readonly PublishedPortRule[]): Promise<void> {
    return this.#change('add', ports);
  }

  /** All or none; not-found where one is not there. */
  unpublish(ports: readonly PublishedPortRule[]): Promise<void> {
    return this.#change('delete', ports);
  }

  async #change(verb: 'add' | 'delete', ports: readonly PublishedPortRule[]): Promise<void> {
    if (ports.length === 0) return;
    const batch = elementBatch(verb, ports.map((port) => publishedElement(this.#table, port)));
    await this.#last;
    using socket = new NetlinkSocket(NETLINK_NETFILTER, this.namespace);
    // A removal waits for the kernel's readers: beside the event loop.
    const request = encodeMessages(batch);
    const { refused } = decodeOutcome(batch, verb === 'add' ? socket.transact(request, 'atomic') : await socket.transactAsync(request, 'atomic'));
    for (const refusal of refused.values()) {
      if (refusal.code === 'EEXIST' || refusal.code === 'EBUSY') throw conflict(`a port of ${namesOf(ports)} is published to another place`);
      if (refusal.code === 'ENOENT') throw notFound(`the table ${this.#table}, or a port of ${namesOf(ports)} in it, is not there`);
      throw refusal;
    }
  }

  #run(text: string): Promise<void> {
    const done = this.#last.then(() => runNft(text, this.namespace));
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Some of them, where there are thousands. */
const namesOf = (ports: readonly PublishedPortRule[]): string => `${ports.slice(0, 10).map(({ hostPort }) => hostPort).join(', ')}${ports.length > 10 ? ` and ${ports.length - 10} more` : ''}`;
const elementName = (map: string, key: Buffer, value: Buffer): string => `${map} ${key.toString('hex')} ${value.toString('hex')}`;

function runNft(text: string, namespace: Fd): Promise<void> {
  // A child is born in the network namespace of the thread that forks it.
  const start = (): ChildProcess => spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  const child = namespace < 0 ? start() : inNetworkNamespace(namespace, () => start());
  return new Promise((resolve, reject) => {
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (words += chunk));
    child.on('error', (error) => reject(unavailable('nft cannot be run: install nftables', error)));
    child.on('close', (code) => (code === 0 ? resolve() : reject(internal(`nft ended with ${code}: ${words.trim()}`))));
    child.stdin?.on('error', () => undefined); // An early end of nft is told by its exit code.
    child.stdin?.end(text);
  });
}
