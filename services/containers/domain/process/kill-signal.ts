import { errorMessage, invalid } from '#libs/errors/errors.js';
import { SIGKILL, signalNumber, stopSignalNumber } from '#libs/linux/signals.js';

/** What a signal sent by hand means beyond its delivery. */
export interface KillMeaning {
  /** No restart policy starts the container again after this run. */
  readonly cancelsRestart: boolean;
  /** It was sent to end the run: an exit after it is its doing. */
  readonly ends: boolean;
}

const LARGEST_SIGNAL = 64;

/** The signal that a client says to send to `container`, as he calls it; where he says none, SIGKILL. Throws invalid in dockerd's words. */
export function killSignal(container: string, text: string | undefined): number {
  if (!text) return SIGKILL;
  if (/^-?\d+$/.test(text) && (Number(text) < 0 || Number(text) > LARGEST_SIGNAL)) throw invalid(`cannot kill container: ${container}: the linux daemon does not support signal ${text}`);
  return askedSignal(`cannot kill container: ${container}`, text);
}

/** Throws invalid for what is no signal, with what cannot be done for that in front. */
export function askedSignal(refusal: string, text: string): number {
  try {
    return signalNumber(text);
  } catch (error) {
    throw invalid(`${refusal}: ${errorMessage(error)}`, error);
  }
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
