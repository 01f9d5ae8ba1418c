import { parseArgs } from 'node:util';

/** Whom Berth can be measured beside, as --peers names them, in the order of the table. `dockerd` is this machine's or its Debian's, `newer-dockerd` that of Debian's unstable suite. */
export const PEERS = ['dockerd', 'newer-dockerd', 'podman', 'runc', 'crun', 'bare-c'] as const;
export type Peer = (typeof PEERS)[number];

export interface Arguments {
  readonly quick: boolean;
  readonly json: boolean;
  /** Parts of the program by their words; none: all. */
  readonly only: readonly string[];
  readonly peers: ReadonlySet<Peer>;
  /** Containers that memory must not grow by; absent: the preset's. */
  readonly lives?: number;
}

/** The command line's words. Throws what a person can act on for one that is not known. */
export function parseArguments(words: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, peers: { type: 'string', default: PEERS.join(',') }, lives: { type: 'string' },
    },
  });
  const lives = values.lives === undefined ? undefined : Number(values.lives);
  if (lives !== undefined && (!Number.isSafeInteger(lives) || lives < 1)) throw new Error(`--lives takes a number of containers, not ${values.lives}`);
  const listed = (text: string): string[] => text.split(',').filter((word) => word !== '');
  return { quick: values.quick, json: values.json, only: listed(values.only), peers: new Set(listed(values.peers).map(peerOf)), ...(lives === undefined ? {} : { lives }) };
}

function peerOf(word: string): Peer {
  const peer = PEERS.find((one) => one === word);
  if (peer === undefined) throw new Error(`--peers takes some of ${PEERS.join(',')}, not ${word}`);
  return peer;
}
