import { fetchAnyPort } from './any-port.js';

/** In which a registry says by https that it is there. */
const ANSWER_MS = 10_000;

/**
 * Registries that are believed without a certificate: the machine's own, and those that its operator names. They are asked by https first, unverified, and over
 * plain HTTP where no TLS comes up, as dockerd asks them. All others are asked by verified https alone.
 */
export class InsecureRegistries {
  private readonly names: readonly string[];

  /** `names`: hosts, with ports. */
  constructor(names: readonly string[] = []) {
    this.names = names.map((name) => name.toLowerCase());
  }

  /** Whether these are whom `url` asks, by whichever scheme: nothing there is verified, and it may hear secrets over plain HTTP. */
  readonly areAt = ({ protocol, hostname, port }: URL): boolean => {
    const names = port === '' ? [hostname, `${hostname}:${protocol === 'https:' ? 443 : 80}`] : [`${hostname}:${port}`];
    return names.some((name) => this.isOne(name));
  };

  /** "https://registry:5000": where `host`, with its port, answers. */
  async originOf(host: string, signal?: AbortSignal): Promise<string> {
    const secure = `https://${host}`;
    if (!this.isOne(host.toLowerCase())) return secure;
    const inTime = AbortSignal.timeout(ANSWER_MS);
    try {
      // Whatever it answers, also a refusal, and to where it sends us: there is TLS.
      const answer = await fetchAnyPort(`${secure}/v2/`, { signal: signal ? AbortSignal.any([signal, inTime]) : inTime, isInsecure: this.areAt, redirect: 'manual' });
      await answer.body?.cancel();
      return secure;
    } catch {
      signal?.throwIfAborted();
      return `http://${host}`;
    }
  }

  private isOne(name: string): boolean {
    return isLoopback(name) || this.names.includes(name);
  }
}

/** Host, or host and port, of the machine itself: 127.0.0.0/8, ::1, localhost. */
function isLoopback(host: string): boolean {
  const name = host.replace(/:[0-9]+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}
