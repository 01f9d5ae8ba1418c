import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { LogReceiver, SyslogReceiver } from '#contracts/executor/tasks.js';
import { journalEntry } from '../../domain/logs/journal-entry.js';
import { LinePieces } from '../../domain/logs/line-pieces.js';
import type { LogRecord } from '../../domain/logs/log-record.js';
import { syslogMessage } from '../../domain/logs/syslog-message.js';
import { DatagramOutlet } from './datagram-outlet.js';
import { LocalSyslogOutlet } from './local-syslog-outlet.js';
import type { LogOutlet } from './log-outlet.js';
import { StreamOutlet, tcpStream, tlsStream, unixStream } from './stream-outlet.js';
import { UdpOutlet } from './udp-outlet.js';

const JOURNAL = '/run/systemd/journal/socket';

/** How a record gets to a receiver. `message`: undefined for one that is not sent; records are given to it in their order. The outlet is the caller's. */
export interface WayToReceiver {
  readonly outlet: LogOutlet;
  readonly message: (record: LogRecord) => Buffer | undefined;
}

/** Nothing is connected yet. Throws when what the way needs of this host cannot be read. */
export function wayTo(receiver: LogReceiver): WayToReceiver {
  if (receiver.type === 'journald') {
    const pieces = new LinePieces(() => randomBytes(32).toString('hex'));
    return { outlet: new JournalOutlet(JOURNAL), message: (record) => journalEntry(record, receiver, pieces.pieceOf(record)) };
  }
  const sender = { hostname: hostname(), pid: process.pid };
  return { outlet: syslogOutlet(receiver), message: (record) => syslogMessage(record, receiver, sender) };
}

class JournalOutlet extends DatagramOutlet {
  override connect(): Promise<void> {
    return super.connect().catch((error: unknown) => Promise.reject(new Error('journald is not enabled on this host', { cause: error })));
  }
}

function syslogOutlet({ address, tls }: SyslogReceiver): LogOutlet {
  const [, scheme = '', rest = ''] = /^([^:]*):\/\/(.*)$/s.exec(address) ?? [];
  const [, name = '', port = ''] = /^(.*):(\d+)$/.exec(rest) ?? [];
  const host = name.replace(/^\[(.*)\]$/, '$1') || 'localhost';
  switch (scheme) {
    case '':
      return new LocalSyslogOutlet();
    case 'unixgram':
      return new DatagramOutlet(rest);
    case 'unix':
      return new StreamOutlet(unixStream(rest));
    case 'udp':
      return new UdpOutlet(host, Number(port));
    case 'tcp+tls':
      return new StreamOutlet(tlsStream(host, Number(port), tls));
    default:
      return new StreamOutlet(tcpStream(host, Number(port)));
  }
}
