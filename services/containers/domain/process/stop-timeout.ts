/** Between a stop's signal and SIGKILL. */
export const DEFAULT_STOP_TIMEOUT_SECONDS = 10;
