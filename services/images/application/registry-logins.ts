import type { LogInToRegistry } from '#contracts/images/images.js';
import { logIn } from '../adapters/registry-login.js';

/** `docker login`. Nothing is kept: clients send credentials along with what needs them. */
export class RegistryLogins {
  constructor(private readonly insecure: readonly string[]) {}

  async check({ server, username, password, identitytoken }: LogInToRegistry): Promise<{ readonly identityToken: string }> {
    const credentials = { ...(username ? { username } : {}), ...(password ? { password } : {}), ...(identitytoken ? { identitytoken } : {}) };
    return { identityToken: await logIn(server, credentials, this.insecure) };
  }
}
