import { BerthError, errorMessage, invalid } from '#libs/errors/errors.js';
import { BERTH_VERSION } from '#libs/settings/version.js';
import { type Command, exitCodes } from './command.js';
import { wordsFor } from './command-words.js';
import { EngineApi } from './engine-api.js';
import { engineSocket } from './engine-socket.js';
import { completion } from './commands/completion.js';
import { edit, revert } from './commands/edit.js';
import { events } from './commands/events.js';
import { history } from './commands/history.js';
import { inspect } from './commands/inspect.js';
import { logVerify } from './commands/log-verify.js';
import { plan } from './commands/plan.js';
import { protect, unprotect } from './commands/protect.js';
import { ps } from './commands/ps.js';
import { show } from './commands/show.js';
import { status } from './commands/status.js';
import { top } from './commands/top.js';
import { undo } from './commands/undo.js';
import { why } from './commands/why.js';
import { parseWords } from './options.js';
import { printable } from './text-table.js';

const usage = `usage: berth COMMAND [--json]

  status                            services, containers, size of the log
  ps [--at TIME]                    all containers, now or then
  top [--once]                      state, cause of the last exit, CPU, memory and restarts of all containers, live; q ends it
  inspect NAME|ID [--at TIME]       one container, now or then
  why NAME|ID                       why a container is as it is
  history NAME|ID                   all that happened to a container, image, volume or network
  show NAME|ID --as run             the docker run that makes a container again
  protect NAME|ID…                  no removal of a container, also by force
  unprotect NAME|ID…                it can be removed again
  edit NAME|ID OPTIONS [-- COMMAND…]  changes a container that is there: ports and limits now, the rest at its next start
    -p, --publish [[IP:]HOST:]PORT  --unpublish [[IP:]HOST:]PORT   -e, --env NAME=VALUE  --unset-env NAME   -l, --label NAME=VALUE  --unset-label NAME
    -v, --volume SOURCE:TARGET  --unmount TARGET   -m, --memory BYTES  --memory-swap BYTES  --cpus N  --pids-limit N  --restart POLICY
  revert NAME|ID [--to VERSION]     makes it what it was before an edit
  undo [NAME|ID…] [--name NEW]      brings removed containers back, one under another name; alone: what can come back
  undo NAME|ID… --discard           deletes them for good
  plan -- docker COMMAND…           which events a docker command would append; it is not done
  events [--from POSITION] [--follow]  the log as JSON lines
  log verify [--from POSITION]      whether the log is whole; or what came after a position
  version, help                     of berth itself: --version and --help say the same
  completion bash|zsh|fish          what makes a shell complete these words: eval "$(berth completion bash)"

TIME: 2026-01-31T10:00:00Z, Unix seconds, or how long ago (90s, 10m, 2h, 1d).
The engine: BERTH_SOCKET, or DOCKER_HOST where that is unix://PATH, else /run/berth/docker.sock.
Exit code: 0 yes, 1 no or not found, 2 wrong usage, 3 the engine cannot be reached.`;

const commands: Readonly<Record<string, Command>> = { completion, edit, events, history, inspect, 'log verify': logVerify, plan, protect, ps, revert, show, status, top, undo, unprotect, why };

async function run(args: readonly string[]): Promise<number> {
  const line = parseWords(args);
  const { options } = line;
  const [first = '', second] = line.words;
  if (options.help || first === 'help') {
    console.log(usage);
    return exitCodes.ok;
  }
  if (options.version || first === 'version') {
    console.log(`berth ${BERTH_VERSION}`);
    return exitCodes.ok;
  }
  const name = first === 'log' ? `log ${second ?? ''}` : first;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw invalid(first === '' ? usage : `berth has no command "${name.trim()}"; berth --help names them`);
  const words = wordsFor(name, line);
  const socket = engineSocket(process.env);
  return await command({ api: new EngineApi(socket), socket, ...words, options, print: (line) => void process.stdout.write(`${line}\n`) });
}

function codeOf(error: unknown): number {
  if (!(error instanceof BerthError)) return exitCodes.no;
  if (error.kind === 'invalid') return exitCodes.usage;
  return error.kind === 'unavailable' ? exitCodes.unreachable : exitCodes.no;
}

// `berth events | head`: a reader that has enough is no failure.
process.stdout.on('error', () => process.exit(exitCodes.ok));
const code = await run(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`berth: ${printableLines(errorMessage(error))}`);
  return codeOf(error);
});
// Timers of the closed connection would keep the process for seconds; what was printed is written first.
process.stdout.write('', () => process.exit(code));

function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
