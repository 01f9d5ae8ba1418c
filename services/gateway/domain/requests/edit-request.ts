import { invalid } from '#libs/errors/errors.js';
import { isFields } from './create-request.js';

const CHANGES = new Set('setEnv unsetEnv command setLabels unsetLabels publish unpublish limits binds mounts unmount'.split(' '));

/** The body of POST /berth/containers/{name}/edit: ContainerChanges of contracts/containers/edit.ts. Throws invalid for a change that is none; types are checked where the command enters the bus. */
export function readEditRequest(body: unknown): Readonly<Record<string, unknown>> {
  if (!isFields(body)) throw invalid('the changes have to be an object');
  for (const name of Object.keys(body)) if (!CHANGES.has(name)) throw invalid(`"${name}" cannot be edited: one of ${[...CHANGES].join(', ')} can`);
  return body;
}
