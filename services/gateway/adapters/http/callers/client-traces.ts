import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { monotonicNow } from '#libs/telemetry/monotonic-clock.js';
import { type Span, startSpan } from '#libs/telemetry/tracing.js';
import { actorOf } from './peer.js';
import { whenGone } from '../streams/when-gone.js';

/** A process that asks for the first time later than this after its own start is no command but a service: each of its requests is a trace. */
const COMMAND_AGE_SECONDS = 10;
/** What has gone on for so long is no command either, or a trace without an end. */
const COMMAND_LONGEST_NS = 60_000_000_000n;
/** USER_HZ, which the kernel tells times in /proc in, is 100 on every architecture that Berth runs on. */
const TICKS_A_SECOND = 100;

interface Command {
  readonly span: Span;
  readonly since: bigint;
  readonly sockets: Set<Socket>;
}

/**
 * The requests of one command, such as `docker run`, as one trace, though it sends no traceparent: they come from one young process, which the kernel
 * names (SO_PEERCRED). The span of the command lasts from its first request until its last connection is closed.
 */
export class ClientTraces {
  private readonly commands = new Map<number, Command>();

  /** The traceparent of the command that `socket` belongs to; undefined where it is none. */
  parentOf(socket: Socket): string | undefined {
    const pid = Number(/pid:(\d+)/.exec(actorOf(socket))?.[1] ?? 0);
    if (pid === 0) return undefined;
    const command = this.commands.get(pid) ?? this.begin(pid);
    if (command === undefined || monotonicNow() - command.since > COMMAND_LONGEST_NS) return undefined;
    if (!command.sockets.has(socket)) {
      command.sockets.add(socket);
      whenGone(socket, () => {
        command.sockets.delete(socket);
        // A command may close one connection and open the next: it is over when its process is.
        setTimeout(() => this.endIfGone(pid), 100).unref();
      });
    }
    return command.span.traceparent;
  }

  private begin(pid: number): Command | undefined {
    const facts = readProcess(pid);
    if (facts === undefined || facts.ageSeconds > COMMAND_AGE_SECONDS) return undefined;
    const span = startSpan(facts.name, { kind: 'client', service: 'client', attributes: { 'process.pid': pid } });
    if (span === undefined) return undefined;
    const command = { span, since: monotonicNow(), sockets: new Set<Socket>() };
    this.commands.set(pid, command);
    return command;
  }

  private endIfGone(pid: number): void {
    const command = this.commands.get(pid);
    if (command === undefined || command.sockets.size > 0) return;
    this.commands.delete(pid);
    command.span.end();
  }
}

/** The name alone: arguments of a command may be secrets. Undefined for a process that is gone, or of another pid namespace. */
function readProcess(pid: number): { readonly name: string; readonly ageSeconds: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1'); // proc_pid_stat(5): the name may hold spaces and parentheses
    const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
    return { name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), ageSeconds: uptime - startTicks / TICKS_A_SECOND };
  } catch {
    return undefined;
  }
}
