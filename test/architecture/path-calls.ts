import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** ESTree, with TypeScript's types in it. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** A call that is given a path as a text, where that text may lead on through directories and symlinks that somebody else makes. */
export interface PathCall {
  readonly file: string;
  readonly line: number;
  /** `openSync(directory)` */
  readonly call: string;
}

/** A source by its path from the root; undefined: there is none. */
export type ReadSource = (file: string) => string | undefined;

/** Of node:fs: they take a descriptor, or the path is none. */
const DESCRIPTORS = /^(close|fstat|read|readv|write|writev|fchmod|fchown|fsync|fdatasync|ftruncate|futimes)(Sync)?$/;
/** They act on the last name itself, symlink or not. */
const NOT_FOLLOWING = /^(lstat|readlink|lchown|lutimes|unlink)(Sync)?$|^l(get|set|list)xattr$/;
/** Where else than first a path stands. */
const PLACES: Readonly<Record<string, readonly number[]>> = {
  rename: [0, 1], copyFile: [0, 1], cp: [0, 1], link: [0, 1], symlink: [1], // a symlink's target is a text
  mount: [0, 1], mountWithIds: [0, 1], mountByOptions: [2], attachMount: [1], listenAtPath: [1],
};
/** Of libs/linux: with a path as a text. */
const BY_PATH = /^(mount|mountWithIds|mountByOptions|attachMount|cloneMount|cloneMountTree|umount2|statfsMagic|l(get|set|list)xattr|removeTree(s|Sync)?|lock(File|Directory)|shareDirectory|writeWhole|sealedCopy|connectUnix|listenAtPath|UnixDatagram)$/;
/** By a name in an open directory, which libs/linux/directory-entries sees to; here, where each has its directories. */
const IN_DIRECTORY: Readonly<Record<string, readonly number[]>> = { openat2: [0], mkdirat: [0], mknodat: [0], symlinkat: [1], linkat: [0, 2], unlinkat: [0], renameat2: [0, 2], fchownat: [0], utimensat: [0] };

/** Whether a function or class of libs/linux is known to go by path, or by a name in an open directory. */
export const goesByPath = (name: string): boolean => BY_PATH.test(name) || name in IN_DIRECTORY;

/** All such calls in one file, and what would hide one: the whole of node:fs under a name, the addon itself, or one of their functions given away. */
export function pathCalls(file: string, read: ReadSource): readonly PathCall[] {
  const source = new Source(file, read);
  const found: PathCall[] = [];
  const tell = ({ start }: Node, call: string): void => void found.push({ file, line: source.lineAt(start), call });
  for (const node of source.nodes) {
    if (node.type === 'ImportExpression' && isFileSystem(literal(node['source']))) tell(node, 'import(node:fs)');
    if (node.type === 'ImportDeclaration' && isFileSystem(literal(node['source'])) && node['importKind'] !== 'type') {
      for (const each of list(node['specifiers'])) if (each.type !== 'ImportSpecifier') tell(node, `import ${source.text(each)}`);
    }
    if (node.type === 'ImportDeclaration' && literal(node['source']) === '#libs/linux/native.js' && list(node['specifiers']).some((each) => nameOf(each['imported']) === 'native')) tell(node, 'import native');
    if (node.type !== 'CallExpression' && node.type !== 'NewExpression') continue;
    // By whatever function a module is asked for, as require or process.getBuiltinModule.
    if (isFileSystem(literal(list(node['arguments'])[0]))) tell(node, source.text(node));
    if (source.text(node['callee'] as Node) === 'process.chdir') tell(node, source.text(node)); // a call has one
    for (const call of source.callsByPath(node)) tell(node, call);
  }
  for (const node of source.givenAway()) tell(node, `${source.text(node)} as a value`);
  return found;
}

class Source {
  readonly nodes: readonly Node[];
  private readonly code: string;
  /** By local name. */
  private readonly imports = new Map<string, { readonly name: string; readonly from: string }>();
  private readonly constants = new Map<string, Node | undefined>();

  constructor(
    private readonly file: string,
    private readonly read: ReadSource,
  ) {
    this.code = read(file) ?? '';
    this.nodes = Array.from(nodesIn(parseAst(this.code, { lang: 'ts' })));
    for (const node of this.nodes) {
      if (node.type === 'ImportDeclaration') this.takeImports(node);
      if (node.type === 'VariableDeclarator') this.takeConstant(node);
    }
  }

  text({ start, end }: Node): string {
    return this.code.slice(start, end).replaceAll(/\s+/g, ' ');
  }

  lineAt(place: number): number {
    return this.code.slice(0, place).split('\n').length;
  }

  /** What a call does by path, one text for each path. */
  callsByPath(node: Node): readonly string[] {
    const imported = this.imports.get(nameOf(node['callee']));
    if (imported === undefined) return [];
    const { name, from } = imported;
    const args = list(node['arguments']);
    const at = (index: number): string => (args[index] ? this.text(args[index]) : '');
    if (this.isLinux(from) && name in IN_DIRECTORY) {
      const byPath = (IN_DIRECTORY[name] ?? []).filter((index) => /AT_FDCWD|-100/.test(at(index))).map((index) => `${name}(${at(index)}, ${at(index + 1)})`);
      if (byPath.length > 0) return byPath;
      if (name === 'openat2') return this.staysBelow(args) ? [] : [`openat2(${at(0)}, ${at(1)}) without a root`];
      return /^(fchownat|utimensat)$/.test(name) && !/AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH/.test(at(args.length - 1)) ? [`${name}(${at(0)}, ${at(1)}) through a symlink`] : [];
    }
    if (!(isFileSystem(from) ? !DESCRIPTORS.test(name) : this.isLinux(from) && BY_PATH.test(name))) return [];
    return (PLACES[name.replace(/Sync$/, '')] ?? [0]).filter((index) => !this.isSafe(name, args[index])).map((index) => `${name}(${at(index)})`);
  }

  /** Functions that take paths, in any place but that of a call. */
  *givenAway(): Generator<Node, void, void> {
    const called = new Set(this.nodes.filter(({ type }) => type === 'CallExpression' || type === 'NewExpression' || type === 'ImportSpecifier').flatMap((node) => [node['callee'], node['local'], node['imported']]));
    const names = new Set(this.nodes.filter(({ computed, type }) => computed === false || type === 'TSQualifiedName').flatMap(({ property, key, right, shorthand }) => (shorthand === true ? [] : [property, key, right])));
    const types = new Set(this.nodes.filter(({ type }) => type === 'TSTypeReference').flatMap((node) => node['typeName']));
    for (const node of this.nodes) {
      const imported = node.type === 'Identifier' ? this.imports.get(String(node['name'])) : undefined;
      if (imported === undefined || called.has(node) || names.has(node) || types.has(node)) continue;
      if (isFileSystem(imported.from) ? imported.name !== 'constants' && !DESCRIPTORS.test(imported.name) : this.isLinux(imported.from) && (BY_PATH.test(imported.name) || imported.name in IN_DIRECTORY)) yield node;
    }
  }

  /** A descriptor by its own magic link, one name in an open directory for who does not follow it, or a place of the host's that is written here. */
  private isSafe(name: string, path: Node | undefined): boolean {
    const kind = path ? this.kindOf(path) : 'unknown';
    return kind === 'descriptor' || kind === 'host' || (kind === 'name in a directory' && NOT_FOLLOWING.test(name));
  }

  private kindOf(path: Node): 'descriptor' | 'name in a directory' | 'host' | 'unknown' {
    if (path.type === 'Literal') return String(path['value']).startsWith('/') ? 'host' : 'unknown';
    if (path.type === 'TemplateLiteral') return kindOfTemplate(list(path['quasis']).map(cooked));
    if (path.type === 'Identifier') {
      const constant = this.constants.get(nameOf(path));
      return constant ? this.kindOf(constant) : 'unknown';
    }
    if (path.type !== 'CallExpression') return 'unknown';
    const [first] = list(path['arguments']);
    const callee = this.text(path['callee'] as Node); // a call has one
    if (this.imports.get(callee)?.name === 'openSync') return 'descriptor';
    if (callee === 'Buffer.from' && first) return this.kindOf(first);
    const [directory] = list(first?.['elements']);
    if (callee === 'Buffer.concat' && directory) return this.kindOf(directory) === 'descriptor' ? 'name in a directory' : 'unknown';
    const made = this.constants.get(callee);
    return made?.type === 'ArrowFunctionExpression' && isNode(made['body']) ? this.kindOf(made['body']) : 'unknown';
  }

  private staysBelow(args: readonly Node[]): boolean {
    const [resolve, flags] = [args[4], args[2]].map((each) => (each ? this.meaning(each) : '')) as [string, string];
    return /RESOLVE_(IN_ROOT|BENEATH)/.test(resolve) && (/RESOLVE_NO_(MAGICLINKS|SYMLINKS)/.test(resolve) || /O_NOFOLLOW/.test(flags));
  }

  /** The text, with constants by what they are. */
  private meaning(expression: Node): string {
    const names = Array.from(nodesIn(expression)).filter(({ type }) => type === 'Identifier').map(nameOf);
    return [this.text(expression), ...names.map((name) => this.meaningOf(name))].join(' ');
  }

  private meaningOf(name: string): string {
    const constant = this.constants.get(name);
    if (constant) return constant.type === 'BinaryExpression' ? this.meaning(constant) : '';
    const imported = this.imports.get(name);
    if (!imported?.from.startsWith('.')) return '';
    const other = posix.join(posix.dirname(this.file), imported.from).replace(/\.js$/, '.ts');
    return new Source(other, this.read).meaningOf(imported.name);
  }

  private isLinux(module: string): boolean {
    return module.startsWith('#libs/linux/') || (module.startsWith('./') && this.file.startsWith('libs/linux/'));
  }

  private takeImports(node: Node): void {
    const from = literal(node['source']);
    for (const each of list(node['specifiers'])) if (each.type === 'ImportSpecifier' && each['importKind'] !== 'type') this.imports.set(nameOf(each['local']), { name: nameOf(each['imported']), from });
  }

  /** Of two with one name nothing is known. */
  private takeConstant(node: Node): void {
    const name = nameOf(node['id']);
    this.constants.set(name, this.constants.has(name) || !isNode(node['init']) ? undefined : node['init']);
  }
}

function kindOfTemplate([first = '', ...rest]: readonly string[]): 'descriptor' | 'name in a directory' | 'host' | 'unknown' {
  if (first === '/proc/self/fd/') return rest.length === 1 && /^\/?$/.test(rest[0] ?? '') ? 'descriptor' : 'name in a directory';
  if (!/^\/(proc|sys)\//.test(first)) return 'unknown';
  // Through these a process' own tree is reached; which one of its files is meant has to be written here.
  if (first === '/proc/' && (rest.at(-1) === '' || rest.some((part) => /^\/(root|cwd|exe|fd|map_files)\b/.test(part)))) return 'unknown';
  return 'host';
}

const isFileSystem = (module: string): boolean => /^(node:)?fs(\/promises)?$/.test(module);
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
const list = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.filter(isNode) : []);
const nameOf = (value: unknown): string => (isNode(value) && value.type === 'Identifier' ? String(value['name']) : '');
const literal = (value: unknown): string => (isNode(value) ? String(value['value']) : '');
const cooked = ({ value }: Node): string => String((value as { readonly cooked?: string }).cooked);

function* nodesIn(value: unknown): Generator<Node, void, void> {
  if (Array.isArray(value)) for (const each of value) yield* nodesIn(each);
  if (!isNode(value)) return;
  yield value;
  for (const child of Object.values(value)) if (typeof child === 'object') yield* nodesIn(child);
}
