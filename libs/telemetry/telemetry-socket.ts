import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { processFolder } from '#libs/settings/run-root.js';

/** Where a process ("engine", "executor") answers, whatever ports there are: for the other processes of this engine, and for root. */
export const telemetrySocket = (settings: Pick<EngineSettings, 'runRoot'>, name: string): string => `${processFolder(settings, name)}/telemetry.sock`;
