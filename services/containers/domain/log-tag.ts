import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import { invalid } from '#libs/errors/errors.js';

/** Whose log it is. */
export interface Logged {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly imageRef: string;
  readonly config: Pick<ContainerConfig, 'Labels' | 'Env'>;
  readonly hostConfig: HostConfig;
}

/** Of Docker's templates the fields, without Go's functions. */
const FIELD = /\{\{\s*\.(ID|FullID|Name|ImageName|ImageID|ImageFullID|DaemonName)\s*\}\}/g;

/** Throws invalid for a template that would not come out whole. */
export function checkTag(template: string): void {
  const unknown = /\{\{.*?(\}\}|$)/.exec(template.replaceAll(FIELD, ''));
  if (unknown) throw invalid(`invalid log tag: ${unknown[0]}: fields are ID, FullID, Name, ImageName, ImageID, ImageFullID and DaemonName`);
}

export function tagOf(template: string, { id, name, imageId, imageRef }: Logged): string {
  const fields: Readonly<Record<string, string>> = { ID: id.slice(0, 12), FullID: id, Name: name, ImageName: imageRef, ImageID: imageId.slice(0, 12), ImageFullID: imageId, DaemonName: 'docker' };
  return template.replace(FIELD, (_, field: string) => fields[field] ?? '');
}
