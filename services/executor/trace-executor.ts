import { traceMethods } from '#libs/telemetry/tracing.js';
import { NetworkSandbox } from './adapters/network/sandbox.js';
import type { ExecutorParts } from './executor-parts.js';

/** The executor's steps as spans, where tracing is on. What they cost and in which order they run is told by no other place. */
export function traceExecutor({ files, sandboxes, zygote, live, ports, layers, volumes }: ExecutorParts): void {
  traceMethods(files, { prepare: 'files', remove: 'remove files' });
  traceMethods(sandboxes, { take: 'sandbox' });
  traceMethods(NetworkSandbox.prototype, { attach: 'endpoint' });
  traceMethods(ports, { publish: 'publish ports', unpublish: 'unpublish ports' });
  traceMethods(zygote, { spawnShim: 'fork shim' });
  traceMethods(live, { connect: 'connect shim' });
  traceMethods(layers, { unpack: 'unpack layer', remove: 'remove layer' });
  traceMethods(volumes, { ensure: 'volume directory' });
}
