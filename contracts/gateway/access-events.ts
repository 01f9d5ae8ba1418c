/** `berth.event.access.<who>`, written by the gateway alone: one aggregate for each who asked ("uid:1000", "cn:alice"). */
export type AccessEvent = {
  readonly type: 'AccessRefused';
  /** "POST /containers/:id/stop" */
  readonly route: string;
  /** As the request named it: a container, exec, image, volume. Absent where the route names none. */
  readonly target?: string;
  /** Id of the container that it was about, so that it is in the container's history too. */
  readonly container?: string;
  readonly reason: string;
  /** "policy", or the authorization plugin that refused. */
  readonly by: string;
  /** Of the same caller, before this and since the last that was written: refusals beyond what is written in a minute. */
  readonly unwritten?: number;
  readonly at: string;
};
