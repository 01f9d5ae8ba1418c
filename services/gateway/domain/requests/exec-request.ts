import type { ExecConfig } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';
import { isFields } from './create-request.js';
import { parseDetachKeys } from './detach-keys.js';
import { bodyFields, consoleSizeField } from './go-fields.js';

/** The body of POST /containers/{id}/exec (swagger.yaml, ExecConfig). Throws `invalid` for what is none. */
export function readExecRequest(body: unknown): ExecConfig {
  if (!isFields(body)) throw invalid('a request body with the command to run is needed');
  const args = strings('Cmd', body.Cmd);
  if (args.length === 0) throw invalid('No exec command specified');
  const detachKeys = string('DetachKeys', body.DetachKeys);
  parseDetachKeys(detachKeys, 'escape keys');
  return {
    args,
    env: strings('Env', body.Env),
    user: string('User', body.User),
    workingDir: string('WorkingDir', body.WorkingDir),
    terminal: truth('Tty', body.Tty),
    attachStdin: truth('AttachStdin', body.AttachStdin),
    attachStdout: truth('AttachStdout', body.AttachStdout),
    attachStderr: truth('AttachStderr', body.AttachStderr),
    privileged: truth('Privileged', body.Privileged),
    detachKeys,
  };
}

export interface ExecStartWish {
  readonly detach: boolean;
  /** Whether its output is wanted as a terminal's is, without frames. */
  readonly raw: boolean;
  readonly consoleSize?: number[];
}

/** The body of POST /exec/{id}/start (swagger.yaml, ExecStartConfig); none is an empty one. */
export function readExecStart(body: unknown): ExecStartWish {
  const fields = bodyFields(body, 'container.ExecStartOptions');
  const consoleSize = consoleSizeField('ExecStartOptions', fields);
  return { detach: truth('Detach', fields.Detach), raw: truth('Tty', fields.Tty), ...(consoleSize === undefined ? {} : { consoleSize }) };
}

function truth(name: string, value: unknown): boolean {
  if (value !== undefined && value !== null && typeof value !== 'boolean') throw invalid(`${name} has to be true or false`);
  return value ?? false;
}

function string(name: string, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalid(`${name} has to be a string`);
  return value;
}

function strings(name: string, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw invalid(`${name} has to be a list of strings`);
  return value;
}
