import { SIGKILL, stopSignalNumber } from '#libs/linux/signals.js';

/** What a signal sent by hand means beyond its delivery. */
export interface KillMeaning {
  /** No restart policy starts the container again after this run. */
  readonly cancelsRestart: boolean;
  /** It was sent to end the run: an exit after it is its doing. */
  readonly ends: boolean;
}

/**
 * dockerd 20.10, daemon/kill.go: SIGKILL and the container's own stop signal cancel the restart policy; where no stop signal is configured, any signal
 * does. All others only mark the container as stopped by hand, which "unless-stopped" respects.
 */
export function killMeaning(signal: number, configuredStopSignal: string | undefined): KillMeaning {
  const stopSignal = stopSignalNumber(configuredStopSignal);
  return {
    cancelsRestart: signal === SIGKILL || !configuredStopSignal || signal === stopSignal,
    ends: signal === SIGKILL || signal === stopSignal,
  };
}
