import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A place in a stack: which file, line and column, both from 1. */
const PLACE = /(file:\/\/[^\s()]+?\.js):(\d+):(\d+)/g;
/** What runs lies below it, bundled or not. A message, which is in its stack, may name any file of the machine, such as a pipe that nobody writes to. */
const OWN = new URL('../../', import.meta.url).href;
/** By the URL of what runs. */
const maps = new Map<string, SourceMap>();

/**
 * A stack as it is in the sources: what runs has maps beside it, which are read when a stack is told. Node's own --enable-source-maps has each file's lines counted as it is loaded, 50 ms of each
 * start, and translates what nobody reads.
 */
export function sourceStack(stack: string): string {
  return stack.replace(PLACE, (place, url: string, line: string, column: string) => sourceOf(url, Number(line), Number(column)) ?? place);
}

function sourceOf(url: string, line: number, column: number): string | undefined {
  const entry = mapOf(url)?.findEntry(line - 1, column - 1);
  // Of a line without an entry, which is a package's, it is the entry of another line.
  if (entry === undefined || !('originalSource' in entry) || entry.generatedLine !== line - 1) return undefined;
  return `${fileURLToPath(new URL(entry.originalSource, `${url}.map`))}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

function mapOf(url: string): SourceMap | undefined {
  const map = maps.get(url) ?? readMap(url);
  if (map !== undefined) maps.set(url, map);
  return map;
}

/** Undefined where none lies there, or none that can be read: the stack is told all the same. */
function readMap(url: string): SourceMap | undefined {
  try {
    const { href } = new URL(`${url}.map`);
    if (!href.startsWith(OWN)) return undefined;
    const path = fileURLToPath(href);
    return existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload) : undefined;
  } catch {
    return undefined;
  }
}
