import { isFields, isZero, readCreateRequest } from '../requests/create-request.js';
import { readEditRequest } from '../requests/edit-request.js';
import { text, type QueryValues } from '../requests/query-values.js';
import { othersOf, powersOf, volumesOf } from './host-powers.js';
import type { Power } from './policy.js';
import type { RouteRule } from './route-rules.js';

/** What a request asks for beyond its route: read of the same values that its controller reads. */
export interface Wish {
  readonly powers: readonly Power[];
  /** Of what is to be made; absent where nothing is. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Containers it would share something with, and volumes it would mount, as the request names them. */
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  /** Labels that it gives to what is there, or takes away (undefined). */
  readonly relabels?: Readonly<Record<string, string | undefined>>;
  /** It changes what belongs to all. */
  readonly shared?: true;
}

export const NO_WISH: Wish = { powers: [], containers: [], volumes: [] };

/** Throws what the controller would throw of a body that is none. */
export function wishOf(kind: NonNullable<RouteRule['wishes']>, query: QueryValues, body: unknown): Wish {
  switch (kind) {
    case 'container': {
      const { config, hostConfig } = readCreateRequest(body);
      return { powers: powersOf(hostConfig), labels: labels(config.Labels), containers: othersOf(hostConfig), volumes: volumesOf(hostConfig) };
    }
    case 'edit': {
      const { binds, mounts, setLabels, unsetLabels } = readEditRequest(body);
      const mounted = { Binds: binds, Mounts: mounts };
      const taken = (Array.isArray(unsetLabels) ? unsetLabels : []).map((name) => [String(name), undefined]);
      return { powers: powersOf(mounted), containers: [], volumes: volumesOf(mounted), relabels: { ...Object.fromEntries(taken), ...labels(setLabels) } };
    }
    case 'exec':
      return { ...NO_WISH, powers: isFields(body) && !isZero(body.Privileged) ? ['privileged'] : [] };
    case 'volume':
      return { ...NO_WISH, labels: labels(isFields(body) ? body.Labels : undefined), powers: isFields(body) && !isZero(body.DriverOpts) ? ['bind-mounts'] : [] };
    case 'image':
      // Pulled, it is what a registry says it is; imported, what the caller says.
      return { ...NO_WISH, ...(text(query, 'fromImage') ? {} : { shared: true }) };
    case 'commit':
      return { ...NO_WISH, containers: [text(query, 'container') ?? ''] };
  }
}

const labels = (value: unknown): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(isFields(value) ? value : {}).filter((label): label is [string, string] => typeof label[1] === 'string'));
