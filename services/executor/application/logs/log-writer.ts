import type { LogWriter } from '../../adapters/logs/follow-log.js';
import type { LiveTask } from '../tasks/live-task.js';

/** Whether more will be written to a container's log: `task` is its run, undefined when there is none. */
export const logWriterOf = (task: LiveTask | undefined): LogWriter => ({
  ended: () => task === undefined || task.hasLeft,
  onEnd: (listener) => {
    task?.once('left', listener);
    return () => void task?.off('left', listener);
  },
});
