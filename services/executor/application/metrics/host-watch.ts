import { type Exposition, labelText } from '#libs/telemetry/metrics/exposition.js';
import { RareLook } from '#libs/telemetry/metrics/rare-look.js';
import { type Difference, DRIFT_KINDS, type Found, hostDifferences, LEAK_KINDS, type Wished } from '../../domain/host/host-differences.js';

/** Compares what this engine wants of the host with what is there, while somebody scrapes. What is so at two looks in a row counts: the rest begins or ends just now. */
export class HostWatch {
  private readonly lasting: RareLook<readonly Difference[]>;
  private before = new Set<string>();
  private told = new Set<string>();

  /** `everySeconds`: between two looks. `onDifference` hears of each once, while it lasts. */
  constructor(
    private readonly look: () => Promise<{ readonly wished: Wished; readonly found: Found }>,
    everySeconds: number,
    private readonly onDifference: (difference: Difference) => void,
  ) {
    this.lasting = new RareLook(() => this.compare(), everySeconds);
  }

  async write(out: Exposition): Promise<void> {
    const differences = await this.lasting.read();
    const count = (what: Difference['what'], kind: string): number => differences.filter((one) => one.what === what && one.kind === kind).length;
    out.family('berth_drift', 'gauge', 'Things that the log says are on this host, and are not: at two looks in a row.');
    for (const kind of DRIFT_KINDS) out.sample(labelText({ kind }), count('drift', kind));
    out.family('berth_leaked', 'gauge', 'Things of this engine on this host that nothing on the log accounts for: at two looks in a row.');
    for (const kind of LEAK_KINDS) out.sample(labelText({ kind }), count('leaked', kind));
  }

  private async compare(): Promise<readonly Difference[]> {
    const { wished, found } = await this.look();
    const differences = hostDifferences(wished, found);
    const lasting = differences.filter((one) => this.before.has(keyOf(one)));
    this.before = new Set(differences.map(keyOf));
    for (const one of lasting) if (!this.told.has(keyOf(one))) this.onDifference(one);
    this.told = new Set(lasting.map(keyOf));
    return lasting;
  }
}

const keyOf = ({ what, kind, subject }: Difference): string => `${what} ${kind} ${subject}`;
