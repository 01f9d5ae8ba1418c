import { boundedBytes } from './bounded-body.js';

/** A registry's refusal (distribution-spec, "Error Codes"). */
export class RegistryError extends Error {
  constructor(
    readonly status: number,
    /** "MANIFEST_UNKNOWN"; empty where the registry told none. */
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'RegistryError';
  }

  get isUnknown(): boolean {
    return this.status === 404;
  }

  get isDenied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

const LONGEST_BODY = 64 << 10;

/** "manifest unknown: manifest unknown" of a response, as clients know it. */
export async function registryError(response: Response): Promise<RegistryError> {
  const text = (await boundedBytes(response, LONGEST_BODY, 'error').catch(() => '')).toString();
  let code = '';
  let message = '';
  try {
    const first = (JSON.parse(text) as { errors?: { code?: unknown; message?: unknown }[] }).errors?.[0];
    if (typeof first?.code === 'string') code = first.code;
    if (typeof first?.message === 'string') message = first.message;
  } catch {
    // A proxy's page, not a registry's answer: its status tells as much.
  }
  const words = code.toLowerCase().replaceAll('_', ' ');
  return new RegistryError(response.status, code, words ? `${words}: ${message || words}` : `unexpected status from ${response.url.split('?')[0]}: ${response.status} ${response.statusText}`);
}
