import { errorMessage, forbidden, internal } from '#libs/errors/errors.js';
import { type AnsweredByEngine, type AskedOfPlugins, type AuthorizationMessage, requestMessage, responseMessage } from '../domain/access/authorization-message.js';

/** One plugin, however it is reached. */
export interface PluginCalls {
  /** Resolves to the plugin's answer; rejects with what its user should read. */
  (plugin: string, method: 'AuthZPlugin.AuthZReq' | 'AuthZPlugin.AuthZRes', message: AuthorizationMessage): Promise<Readonly<Record<string, unknown>>>;
}

/** A plugin said no. */
export interface PluginRefusal {
  readonly plugin: string;
  readonly reason: string;
}

/** Docker's authorization plugins, asked in their order before a request is carried out, and again before it is answered. All have to allow it; one that fails is no permission. */
export class AuthorizationPlugins {
  constructor(
    private readonly names: readonly string[],
    private readonly call: PluginCalls,
  ) {}

  get areThere(): boolean {
    return this.names.length > 0;
  }

  /** Rejects as forbidden or internal, in dockerd's words; `onRefusal` is awaited before. Resolves to what `answer` goes on with. */
  async admit(asked: AskedOfPlugins, onRefusal: (refusal: PluginRefusal) => Promise<unknown>): Promise<AuthorizationMessage> {
    const message = requestMessage(asked);
    await this.askAll('AuthZPlugin.AuthZReq', message, onRefusal);
    return message;
  }

  /** Rejects like `admit`. */
  async release(message: AuthorizationMessage, answer: AnsweredByEngine, onRefusal: (refusal: PluginRefusal) => Promise<unknown>): Promise<void> {
    await this.askAll('AuthZPlugin.AuthZRes', responseMessage(message, answer), onRefusal);
  }

  private async askAll(method: 'AuthZPlugin.AuthZReq' | 'AuthZPlugin.AuthZRes', message: AuthorizationMessage, onRefusal: (refusal: PluginRefusal) => Promise<unknown>): Promise<void> {
    for (const plugin of this.names) {
      const { Allow: allow, Msg: said } = await this.call(plugin, method, message).catch((error: unknown) => {
        throw internal(`plugin ${plugin} failed with error: ${errorMessage(error)}`, error);
      });
      if (allow === true) continue;
      const reason = typeof said === 'string' ? said : '';
      await onRefusal({ plugin, reason });
      throw forbidden(`authorization denied by plugin ${plugin}: ${reason}`);
    }
  }
}
