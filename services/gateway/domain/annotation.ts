import type { DockerEvent } from './docker/event.js';

/** What Grafana draws over a graph: its own field names, `time` in milliseconds since 1970. */
export interface Annotation {
  readonly time: number;
  readonly title: string;
  readonly text: string;
  readonly tags: readonly string[];
}

/** What a person who looks at a graph wants to know of: containers that began, ended, or ran out of memory. Undefined for the rest. */
export function annotationOf({ type, action, at, id, attributes }: DockerEvent): Annotation | undefined {
  if (type !== 'container') return undefined;
  const said = words(action, attributes);
  if (said === undefined) return undefined;
  const { name = '', image = '' } = attributes;
  return { time: Date.parse(at), title: `${name} ${said}`, text: `${image} ${id.slice(0, 12)}`, tags: [action, name] };
}

function words(action: string, attributes: Readonly<Record<string, string>>): string | undefined {
  switch (action) {
    case 'start':
      return 'began';
    case 'die':
      return `ended with code ${attributes['exitCode'] ?? ''}`;
    case 'oom':
      return 'ran out of memory';
    default:
      return undefined;
  }
}
