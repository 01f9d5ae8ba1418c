// What runs in the machine, in parts: each is a machine of its own, so that what one leaves behind does not reach the next, with a limit of its own.

/** Test files of dist/, by what of the kernel, of cgroups and of systemd they lean on. `minutes`: emulated, beside other work; on a quiet machine less than half of it. */
export const PARTS = [
  {
    name: 'kernel',
    minutes: 60,
    files: ['libs/cgroup', 'libs/linux', 'services/executor/shim', 'test/e2e/hello', 'test/e2e/limits', 'test/e2e/unified-cgroups', 'test/e2e/update', 'test/e2e/pause', 'test/e2e/usage', 'test/e2e/run-options', 'test/e2e/cgroup-parent', 'test/package/passed-socket'],
  },
  {
    name: 'life',
    minutes: 60,
    files: ['test/e2e/docker-run', 'test/e2e/container-life', 'test/e2e/health', 'test/e2e/top.', 'test/e2e/edit', 'test/e2e/asked-again'],
  },
  {
    name: 'inside',
    minutes: 60,
    files: ['test/e2e/interactive', 'test/e2e/copy', 'test/e2e/logs', 'test/e2e/network', 'test/e2e/starts', 'test/e2e/joined-namespaces', 'test/e2e/apparmor'],
  },
].map(({ name, minutes, files }) => ({ name, minutes, files: files.map((file) => `dist/${file}`) }));
