import type { ChangeTaskPorts } from '#contracts/executor/tasks.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { taskId } from '../tasks/live-task.js';
import type { LiveTasks } from '../tasks/live-tasks.js';
import type { Tasks } from '../launch/task-launcher.js';
import type { PortPublisher } from './port-publisher.js';

/** Published ports of tasks that run already. */
export class PortChanges {
  constructor(
    private readonly tasks: Tasks,
    private readonly live: Pick<LiveTasks, 'get'>,
    private readonly ports: PortPublisher,
  ) {}

  /** On the log first: an executor that dies between makes its rules from there. What is refused is taken back. */
  async change({ container, start, name, address, ports }: Omit<ChangeTaskPorts, 'reply'>, asked: RequestContext): Promise<Done> {
    const id = taskId({ container, start });
    const task = this.live.get(id);
    await task?.start?.catch(() => undefined);
    if (!task || task.hasExited) return { position: 0 };
    const before = { address: task.address || address, ports: task.ports };
    const record = (published: typeof before) => this.tasks.execute(id, { type: 'ChangePorts', container, start, published, at: new Date().toISOString() }, asked);
    const { position } = await record({ address, ports });
    try {
      await this.ports.change(task, { address, ports }, name);
    } catch (error) {
      await record(before);
      throw error;
    }
    return { position };
  }
}
