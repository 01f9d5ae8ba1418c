import { posix } from 'node:path';
import { flagValues, jsonList, logicalLines, namesAndValues, readInstruction, splitAtBlanks, type Instruction } from '#libs/dockerfile/instruction.js';
import { PatternWork } from '#libs/dockerfile/shell-pattern.js';
import { expandWord, expandWords, type Variables } from '#libs/dockerfile/shell-word.js';
import { invalid } from '#libs/errors/errors.js';
import { checkStopSignal } from '#libs/linux/signals.js';
import { exposedPorts } from './exposed-ports.js';
import { readHealthcheck } from './healthcheck-instruction.js';
import { CONFIG_LIMIT_BYTES } from './image-config.js';

interface ChangedConfig {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  OnBuild?: string[];
  Healthcheck?: object;
  Shell?: string[];
}

/** Words with their variables in them, until they are more in all than any configuration may be: a few lines that double a variable and name it often would else fill all memory. */
class Expansion {
  private length = 0;
  private readonly work = new PatternWork();

  word(word: string, variables: Variables): string {
    return this.counted(expandWord(word, variables, this.work));
  }

  words(word: string, variables: Variables): readonly string[] {
    return expandWords(word, variables, this.work).map((one) => this.counted(one));
  }

  /** Throws invalid. */
  counted(word: string): string {
    this.length += word.length;
    if (this.length > CONFIG_LIMIT_BYTES) throw invalid(`the changes have more than ${CONFIG_LIMIT_BYTES} characters once their variables are filled in`);
    return word;
  }
}

/** The Dockerfile instructions that `docker import --change` and `docker commit --change` take, as an image's run configuration. Throws invalid in Docker's words for others. */
export function applyChanges(changes: readonly string[], base: object = {}): object {
  const config: ChangedConfig = structuredClone(base);
  if (changes.length === 0) return config;
  const lines = logicalLines(changes.join('\n'));
  if (lines.length === 0) throw invalid('file with no instructions');
  const expansion = new Expansion();
  let hasCommand = false;
  for (const line of lines) {
    const instruction = readInstruction(line);
    const name = instruction.name.toUpperCase();
    apply(config, name, instruction, expansion);
    // A command that was made for another entrypoint is none for this one.
    if (name === 'ENTRYPOINT' && !hasCommand) delete config.Cmd;
    hasCommand ||= name === 'CMD' && instruction.rest !== '';
  }
  return config;
}

function apply(config: ChangedConfig, name: string, { name: written, flags, rest }: Instruction, expansion: Expansion): void {
  if (name !== 'HEALTHCHECK') flagValues(flags, []);
  const variables = variablesOf(config);
  const expanded = (word: string): string => expansion.word(word, variables);
  switch (name) {
    case 'CMD':
      config.Cmd = command(rest, config);
      return;
    case 'ENTRYPOINT': {
      const entrypoint = rest === '' ? [] : command(rest, config);
      if (entrypoint.length > 0) config.Entrypoint = entrypoint;
      else delete config.Entrypoint;
      return;
    }
    case 'HEALTHCHECK':
      config.Healthcheck = readHealthcheck(flags, rest);
      return;
    case 'ONBUILD':
      config.OnBuild = [...(config.OnBuild ?? []), trigger(rest)];
      return;
    case 'ENV': {
      const added = namesAndValues(name, rest).map(([key, value]) => [expanded(key), expanded(value)] as const);
      for (const [key, value] of added) config.Env = withVariable(config.Env ?? [], key, value);
      return;
    }
    case 'LABEL':
      config.Labels = { ...config.Labels, ...Object.fromEntries(namesAndValues(name, rest).map(([key, value]) => [expanded(key), expanded(value)])) };
      return;
    case 'EXPOSE': {
      const ports = exposedPorts(some(name, splitAtBlanks(rest)).flatMap((word) => expansion.words(word, variables)));
      config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) };
      return;
    }
    case 'VOLUME': {
      const volumes = some(name, jsonList(rest) ?? splitAtBlanks(rest)).map((volume) => expanded(volume.trim()));
      if (volumes.includes('')) throw invalid('VOLUME specified can not be an empty string');
      config.Volumes = { ...config.Volumes, ...Object.fromEntries(volumes.map((volume) => [volume, {}])) };
      return;
    }
    case 'USER':
      config.User = expanded(one(name, rest));
      return;
    case 'WORKDIR': {
      const path = expanded(one(name, rest));
      if (path === '') throw invalid('cannot normalize nothing');
      config.WorkingDir = expansion.counted(posix.resolve('/', config.WorkingDir ?? '', path));
      return;
    }
    case 'STOPSIGNAL': {
      const signal = expanded(one(name, rest));
      checkStopSignal(signal);
      config.StopSignal = signal;
      return;
    }
    default:
      throw invalid(`${written} is not a valid change command`);
  }
}

/** Those before the instruction: what one sets it does not see itself. */
function variablesOf({ Env = [] }: ChangedConfig): Variables {
  const values = new Map(Env.map((item) => [nameOf(item), item.slice(nameOf(item).length + 1)]));
  return (name) => values.get(name);
}

const nameOf = (item: string): string => item.split('=', 1)[0] ?? '';

/** Where it stood, or at the end. */
function withVariable(variables: readonly string[], name: string, value: string): string[] {
  const item = `${name}=${value}`;
  return variables.some((other) => nameOf(other) === name) ? variables.map((other) => (nameOf(other) === name ? item : other)) : [...variables, item];
}

/** `["a", "b"]`, or a line for the shell, which fills in variables itself. */
function command(rest: string, { Shell }: ChangedConfig): string[] {
  const list = jsonList(rest);
  return list === undefined ? [...(Shell ?? ['/bin/sh', '-c']), ...(rest === '' ? [] : [rest])] : [...list];
}

function trigger(rest: string): string {
  const [name = ''] = splitAtBlanks(rest);
  if (name === '') throw invalid('ONBUILD requires at least one argument');
  if (/^ONBUILD$/i.test(name)) throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (/^(FROM|MAINTAINER)$/i.test(name)) throw invalid(`${name.toUpperCase()} isn't allowed as an ONBUILD trigger`);
  return rest;
}

function some(instruction: string, words: readonly string[]): readonly string[] {
  if (words.length === 0) throw invalid(`${instruction} requires at least one argument`);
  return words;
}

function one(instruction: string, rest: string): string {
  if (rest === '') throw invalid(`${instruction} requires exactly one argument`);
  return rest;
}
