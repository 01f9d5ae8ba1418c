import type { Answer } from './answers.js';

/** Numbers of stats: another each time, and 0 at times. */
const STATS = new Set(
  (
    'total_usage percpu_usage usage_in_kernelmode usage_in_usermode system_cpu_usage online_cpus usage max_usage limit value ' +
    'cache rss rss_huge mapped_file dirty writeback pgpgin pgpgout pgfault pgmajfault inactive_anon active_anon inactive_file active_file unevictable hierarchical_memory_limit hierarchical_memsw_limit'
  ).split(' '),
);

/** Numbers that are another each time. */
const VARYING = new Set(['Pid', 'Size', 'VirtualSize', 'Created', 'SizeRw', 'SizeRootFs', 'time', 'timeNano', 'NCPU', 'MemTotal', 'NFd', 'NGoroutines', 'NEventsListener', 'Containers', 'ContainersRunning', 'ContainersStopped', 'Images']);

/** What each engine says of itself. */
const OWN = new Set(['api-version', 'server']);

/** An answer with what differs from run to run and from machine to machine made alike. */
export function normalised(answer: Answer): Answer {
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, OWN.has(name) ? '<own>' : plainText(value)]);
  return { status: answer.status, headers: Object.fromEntries(headers), body: plain(answer.body, '') };
}

function plain(value: unknown, key: string): unknown {
  // Newer dockerds begin their messages with a small letter; nobody parses that.
  if (key === 'Processes' && typeof value === 'string' && /^\d+$/.test(value)) return '<pid>';
  if (typeof value === 'string') return key === 'message' ? plainText(value).replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()) : plainText(value);
  if (typeof value === 'number') return STATS.has(key.replace(/^total_(?!usage)/, '')) || (VARYING.has(key) && value !== 0 && value !== -1) ? '<number>' : value;
  if (Array.isArray(value)) return inOrder(value.map((one) => plain(one, key)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, one]) => [plainText(name), plain(one, name)] as const)
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** Lists of what has a name, mounts and changed paths come in any order. */
function inOrder(list: unknown[]): unknown[] {
  const nameOf = (one: unknown): string | undefined => {
    if (typeof one !== 'object' || one === null) return undefined;
    return 'Destination' in one ? String(one.Destination) : 'Path' in one ? String(one.Path) : 'Name' in one ? String(one.Name) : undefined;
  };
  return list.every((one) => nameOf(one) !== undefined) ? list.toSorted((one, other) => ((nameOf(one) ?? '') < (nameOf(other) ?? '') ? -1 : 1)) : list;
}

export function plainText(text: string): string {
  return text
    .replace(/\/var\/tmp\/(?:bench-dockerd-\w+\/data|berth-test-\w+)/g, '<root>')
    .replace(/\b[0-9a-f]{64}\b/g, '<id>')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, '<short id>')
    .replace(/\b(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>')
    .replace(/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, '<mac>')
    .replace(/\b(?:172\.17|198\.1[89])\.\d+\.\d+(?:\/\d+)?\b/g, '<address>')
    .replace(/\b(?:Up|Exited \(\d+\)) (?:Less than a second|\d+ seconds?|About a minute)/g, (found) => found.replace(/(Up|\(\d+\)) .*/, '$1 <a while>'))
    .replace(/\bbt[0-9a-f]{6}\b|\bdocker0\b/g, '<bridge>');
}
