import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import { unclassified } from '#libs/errors/errors.js';
import { asJson, FUNCTIONS, isTrue, shown, type Value } from './template-functions.js';
import { type Expression, LOGGING_FAILED, type Node, parseTemplate, templateError } from './template-tree.js';

/** The container whose log it is. */
export interface Logged {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly imageId: string;
  readonly imageRef: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly config: Pick<ContainerConfig, 'Labels' | 'Env'>;
  readonly hostConfig: HostConfig;
}

/** The dot at a tag's top: what Docker tells of the container, under its names. */
type Container = Readonly<Record<string, Value>>;

/** Of the container what `json` shows of it, in its order. LogPath is dockerd's own affair, and empty for whoever sends a log elsewhere. */
const EXPORTED = ['Config', 'ContainerID', 'ContainerName', 'ContainerEntrypoint', 'ContainerArgs', 'ContainerImageID', 'ContainerImageName', 'ContainerCreated', 'ContainerEnv', 'ContainerLabels', 'LogPath', 'DaemonName'];
const DERIVED = ['Command', 'ID', 'FullID', 'Name', 'ImageID', 'ImageFullID', 'ImageName'];
const KNOWN = new Set([...EXPORTED, ...DERIVED]);

/** Of all parts of a tag together. */
const MOST_CHARACTERS = 64 * 1024;

/** Throws, in dockerd's words, for a template that can never be a tag, and for what cannot be done with this container's values. */
export function tagOf(template: string, logged: Logged): string {
  const nodes = parseTemplate(template);
  check(nodes);
  let tag = '';
  for (const text of rendered(nodes, containerOf(logged))) {
    tag += text;
    if (tag.length > MOST_CHARACTERS) throw unclassified(`${LOGGING_FAILED}the log's tag has more than ${MOST_CHARACTERS} characters`);
  }
  return tag;
}

function containerOf({ id, name, createdAt, imageId, imageRef, path, args, config, hostConfig }: Logged): Container {
  const map = (of: Readonly<Record<string, string>> | null | undefined): ReadonlyMap<string, string> => new Map(Object.entries(of ?? {}));
  return {
    Config: map(hostConfig.LogConfig?.Config), ContainerID: id, ContainerName: `/${name}`, ContainerEntrypoint: path, ContainerArgs: args, ContainerImageID: imageId, ContainerImageName: imageRef,
    ContainerCreated: createdAt, ContainerEnv: config.Env ?? [], ContainerLabels: map(config.Labels), LogPath: '', DaemonName: 'docker',
    Command: [path, ...args].join(' '), ID: id.slice(0, 12), FullID: id, Name: name, ImageID: imageId.slice(0, 12), ImageFullID: imageId, ImageName: imageRef,
  };
}

function check(nodes: readonly Node[]): void {
  for (const node of nodes) {
    if (node.type === 'show') checkFields(node.value);
    if (node.type !== 'if') continue;
    checkFields(node.condition);
    check(node.then);
    check(node.otherwise);
  }
}

function checkFields(expression: Expression): void {
  if (expression.type === 'call') for (const arg of expression.args) checkFields(arg);
  if (expression.type === 'member') checkFields(expression.of);
  const [name] = expression.type === 'field' ? expression.names : [];
  // The engine may run elsewhere than its containers.
  if (name === 'Hostname') throw templateError('Berth does not support Hostname in a log tag', expression);
  if (name !== undefined && !KNOWN.has(name)) throw templateError(`can't evaluate field ${name} in type *logger.Info`, expression);
}

function* rendered(nodes: readonly Node[], container: Container): Generator<string> {
  for (const node of nodes) {
    if (node.type === 'text') yield node.text;
    else if (node.type === 'show') {
      const value = valueOf(node.value, container);
      yield isContainer(value) ? json(value) : shown(value);
    } else {
      const value = valueOf(node.condition, container);
      yield* rendered(isContainer(value) || isTrue(value) ? node.then : node.otherwise, container);
    }
  }
}

const isContainer = (value: Value | Container): value is Container => typeof value === 'object' && !Array.isArray(value) && !(value instanceof Map);

const json = (container: Container): string => `{${EXPORTED.map((name) => `"${name}":${asJson(container[name])}`).join(',')}}`;

function valueOf(expression: Expression, container: Container): Value | Container {
  switch (expression.type) {
    case 'literal':
      return expression.value;
    case 'field':
      return memberOf(container, expression);
    case 'member':
      return memberOf(valueOf(expression.of, container), expression);
    case 'call':
      return called(expression, expression.args.map((arg) => valueOf(arg, container)));
  }
}

function memberOf(of: Value | Container, { names, text, at }: Extract<Expression, { type: 'field' | 'member' }>): Value | Container {
  return names.reduce((value: Value | Container, name) => {
    if (value instanceof Map) return (value as ReadonlyMap<string, string>).get(name);
    if (isContainer(value) && KNOWN.has(name)) return value[name];
    throw templateError(`can't evaluate field ${name} in type ${isContainer(value) ? '*logger.Info' : Array.isArray(value) ? '[]string' : typeof value}`, { text, at });
  }, of);
}

function called({ name, text, at }: Extract<Expression, { type: 'call' }>, args: readonly (Value | Container)[]): Value {
  const [first] = args;
  if (name === 'json' && isContainer(first)) return json(first);
  const plain = args.map((arg): Value => {
    if (isContainer(arg)) throw templateError(`error calling ${name}: wrong type for value; got *logger.Info`, { text, at });
    return arg;
  });
  try {
    return FUNCTIONS[name]?.call(plain);
  } catch (error) {
    throw templateError(`error calling ${name}: ${(error as Error).message}`, { text, at });
  }
}
