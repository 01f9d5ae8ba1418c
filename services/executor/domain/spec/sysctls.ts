import { unclassified } from '#libs/errors/errors.js';

/** sysctl(8) names that belong to the IPC namespace (ipc_namespaces(7)). */
const OF_IPC = new Set(['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced']);

/** Throws, in runc's words, for one that would change the host, since no namespace of the container has it. */
export function checkSysctls(sysctls: Readonly<Record<string, string>>, own: { readonly network: boolean; readonly ipc: boolean }): void {
  for (const name of Object.keys(sysctls)) {
    // "net/ipv4/conf/eth0.100/forwarding" and "net.ipv4.conf.eth0/100.forwarding" are one: whichever separator comes first counts.
    const dotted = /^[^.]*\//.test(name) ? name.replaceAll('/', '.') : name;
    if (dotted.includes('..')) throw unclassified(`invalid sysctl: ${name}`);
    if (OF_IPC.has(dotted) || dotted.startsWith('fs.mqueue.')) {
      if (!own.ipc) throw unclassified(`sysctl "${name}" is not allowed in the hosts ipc namespace`);
      continue;
    }
    if (!dotted.startsWith('net.')) throw unclassified(`sysctl "${name}" is not in a separate kernel namespace`);
    if (!own.network) throw unclassified(`sysctl "${name}" not allowed as network namespace is not private`);
  }
}
