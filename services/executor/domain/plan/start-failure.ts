import { type BerthError, internal, invalid, notFound, unclassified } from '#libs/errors/errors.js';
import { errnoName } from '#libs/linux/errno.js';
import { describeStep, type Plan } from './encode-plan.js';
import type { PlanStep } from './plan-table.js';
import { APPARMOR_PROFILE } from './process-steps.js';

const EPERM = 1;
const ENOENT = 2;
const ESRCH = 3;
const EACCES = 13;
const ENOEXEC = 8;
const EISDIR = 21;
const EINVAL = 22;
const EXDEV = 18;
const ENOTDIR = 20;
const ERANGE = 34;
const ELOOP = 40;
const PREFIX = 'failed to create task for container: failed to create shim task: OCI runtime create failed: berth create failed: unable to start container process: ';

/** What a shim names in place of a step (shim.h): before the first, or none of the plan's. */
const OUTSIDE_THE_PLAN: Readonly<Record<number, string>> = { 0xffffffff: 'plan', 0xfffffffe: 'clone', 0xfffffffd: 'join_cgroups', 0xfffffffc: 'runtime' };
const NO_PLACE = 0xfffffffb;
const MOST_EXECS = 256;
const NO_STREAM = 0xfffffffa;
const MOST_STREAMS = 496;

const NO_DIRECTORY: ReadonlyMap<number, string> = new Map([[ENOENT, 'no such file or directory'], [ENOTDIR, 'not a directory'], [EACCES, 'permission denied']]);

const NOT_WRITTEN: ReadonlyMap<number, string> = new Map([[EPERM, 'operation not permitted'], [EACCES, 'permission denied'], [EINVAL, 'invalid argument']]);

/** dockerd puts it behind whatever a runtime says of a path that has to be a directory. */
export const OTHER_KIND = ': Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';

/** runc's words for an exec's working directory. */
export const RELATIVE_DIRECTORY = 'Cwd must be an absolute path';

/** Whether its shim had no room, which says nothing of the command. */
export const hasNoRoom = (step: number): boolean => step === NO_PLACE || step === NO_STREAM;

/** The error of a start, naming the very step. Of a command that cannot be executed it has Docker's words, which clients turn into exit codes 126 and 127. */
export function startFailure(plan: Plan, step: number, errno: number, command: string, prefix = PREFIX): BerthError {
  if (step === NO_PLACE) return internal(`${prefix}${MOST_EXECS} commands run in the container already, and there can be no more: unknown`);
  if (step === NO_STREAM) return internal(`${prefix}${MOST_STREAMS} clients read from the container already, and there can be no more: unknown`);
  const operation = plan.steps[step]?.op;
  if (operation === 'exec') {
    if (errno === ENOENT) return invalid(`${prefix}exec: "${command}": ${command.includes('/') ? `stat ${command}: no such file or directory` : 'executable file not found in $PATH'}: unknown`);
    if (errno === EACCES || errno === ENOTDIR) return invalid(`${prefix}exec: "${command}": ${errno === EACCES ? 'permission denied' : 'not a directory'}: unknown`);
    if (errno === ENOEXEC) return invalid(`${prefix}exec: "${command}": exec format error: unknown`);
    if (errno === ELOOP) return internal(`${prefix}exec: "${command}": stat ${command}: too many levels of symbolic links: unknown`);
    // The step itself has the variables, which are nothing for an error's text.
    return internal(`${prefix}exec: "${command}": ${errnoName(errno)}: unknown`);
  }
  // A number below none is no name for whom Docker reads it.
  if (operation === 'set_user' && (errno === ERANGE || (errno === ENOENT && /^-\d+$/.test(userOf(plan, step))))) return unclassified('uids and gids must be in range 0-2147483647');
  if (operation === 'set_user' && errno === ENOENT) return unclassified(`unable to find user ${userOf(plan, step)}: no matching entries in passwd file`);
  if (operation === 'set_user' && errno === ESRCH) return unclassified(`unable to find group ${groupsOf(plan, step)}: no matching entries in group file`);
  const part = plan.steps[step];
  if ((part?.op === 'bind_part' || part?.op === 'part_tree') && part.below !== '') {
    const whole = `${part.source}/${part.below}`;
    if (errno === ENOENT) return notFound(`cannot access path ${whole}: lstat ${whole}: no such file or directory`);
    if (errno === EXDEV) return invalid(`path concatenation escapes the base directory, base: ${part.source}, subpath: ${part.below}`);
  }
  if (errno === ENOTDIR && part?.from.startsWith('mounts[')) {
    const [source, target] = placed(plan, part) ?? [];
    if (target !== undefined) return invalid(`${prefix}${duringInit(prefix)}error mounting "${source}" to rootfs at "${target}": not a directory${OTHER_KIND}`);
  }
  if (part?.op === 'sysctl') return sysctlFailure(`${prefix}${duringInit(prefix)}`, part, errno);
  const noDirectory = NO_DIRECTORY.get(errno);
  // Of a container's first process it is made.
  if (part?.op === 'chdir' && prefix === PREFIX && errno === ENOTDIR) return invalid(`Cannot mkdir: ${part.path} is not a directory`);
  if (part?.op === 'chdir' && prefix !== PREFIX && noDirectory !== undefined) return internal(`${prefix}chdir to cwd ("${part.path}") set in config.json failed: ${noDirectory}: unknown`);
  // Docker's defaults go as far as the kernel lets them; what the user asked for is done or refused.
  if (operation === 'set_rlimit' && errno === EPERM) return invalid(`${prefix}error setting rlimit (${describeStep(plan, step)}): operation not permitted: the engine has no right to raise a hard limit (CAP_SYS_RESOURCE): unknown`);
  if (plan.steps[step]?.from === APPARMOR_PROFILE && errno === ENOENT) return internal(`${prefix}${duringInit(prefix)}unable to apply apparmor profile: apparmor failed to apply profile: write /proc/self/attr/apparmor/exec: no such file or directory: unknown`);
  return internal(`${prefix}step ${OUTSIDE_THE_PLAN[step] ?? describeStep(plan, step)}: ${errnoName(errno)}: unknown`);
}

/** Of a setting that is not there clients make exit code 127, of one that is a directory 126. */
function sysctlFailure(prefix: string, { name, value }: Extract<PlanStep, { op: 'sysctl' }>, errno: number): BerthError {
  if (errno === ENOENT) return invalid(`${prefix}open sysctl ${name} file: no such file or directory: unknown`);
  if (errno === EISDIR) return invalid(`${prefix}open sysctl ${name} file: is a directory: permission denied: unknown`);
  return internal(`${prefix}failed to write sysctl ${name} = ${JSON.stringify(value)}: ${NOT_WRITTEN.get(errno) ?? errnoName(errno)}: unknown`);
}

/** What a step mounts, and where, of those that lie on a file or on a directory as what they mount is one. */
function placed(plan: Plan, step: PlanStep): readonly [source: string, target: string] | undefined {
  switch (step.op) {
    case 'bind_mount':
      return [step.source, step.target];
    case 'bind_part':
      return [`${step.source}/${step.below}`, step.target];
    case 'mount_fs':
      return step.type === 'tmpfs' ? [step.source, step.target] : undefined;
    case 'attach_tree': {
      const tree = plan.steps.find((one) => (one.op === 'bind_tree' || one.op === 'part_tree') && one.from === step.from);
      return [tree?.op === 'part_tree' ? `${tree.source}/${tree.below}` : tree?.op === 'bind_tree' ? tree.source : '', step.target];
    }
    default:
      return undefined;
  }
}

/** Of an exec that could not be started for this reason, an installed runtime's words included: as a current dockerd has it. */
export function execExitCode(message: string): number {
  if (message.includes(RELATIVE_DIRECTORY)) return 128;
  return /executable file not found|no such file or directory|not a directory/i.test(message) ? 127 : 126;
}
/** runc says so of a container's first process, and of no exec. */
const duringInit = (prefix: string): string => (prefix === PREFIX ? 'error during container init: ' : '');

/** Those that were asked for by name. */
function groupsOf(plan: Plan, number: number): string {
  const step = plan.steps[number];
  if (step?.op !== 'set_user') return '';
  return [/:(.*)/s.exec(step.user)?.[1] ?? '', ...step.extraGroups].filter((group) => group !== '' && !/^\d+$/.test(group)).join(', ');
}

function userOf(plan: Plan, number: number): string {
  const step = plan.steps[number];
  return step?.op === 'set_user' ? (step.user.split(':')[0] ?? '') : '';
}
