import type { ListedContainer } from '#contracts/containers/container-state.js';
import { containerSummary } from './container.js';
import { statusText } from './status.js';

/** One item of a list as JSON, but for its status, which tells how long ago something was. */
interface Written {
  readonly version: string;
  readonly before: string;
  readonly after: string;
}

/** Lists are asked for again and again, and little changes in between. What a container's view is gone with is gone, too. */
const written = new WeakMap<ListedContainer, Written>();

/** What GET /containers/json answers, as JSON: a `containerSummary` of each. A view that was given before is not written out again. */
export function summariesJson(views: readonly ListedContainer[], now: number, version: string): string {
  return `[${views.map((view) => summaryJson(view, now, version)).join(',')}]`;
}

function summaryJson(view: ListedContainer, now: number, version: string): string {
  let known = written.get(view);
  if (known?.version !== version) written.set(view, (known = write(view, version)));
  return `${known.before}${JSON.stringify(statusText(view, now))}${known.after}`;
}

function write(view: ListedContainer, version: string): Written {
  const fields = Object.entries(containerSummary(view, 0, version));
  const status = fields.findIndex(([name]) => name === 'Status');
  const before = JSON.stringify(Object.fromEntries(fields.slice(0, status)));
  const after = JSON.stringify(Object.fromEntries(fields.slice(status + 1)));
  return { version, before: `${before.slice(0, -1)},"Status":`, after: `,${after.slice(1)}` };
}
