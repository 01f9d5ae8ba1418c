import type { ContainerView } from '#contracts/containers/container-state.js';

/** AppArmorProfile of an inspection, as dockerd has it: what was asked for, until the first start tells what that comes to on this host. */
export function appArmorProfile({ hostConfig: { SecurityOpt, Privileged }, startNumber }: Pick<ContainerView, 'hostConfig' | 'startNumber'>, securityOptions: readonly string[]): string {
  const asked = (SecurityOpt ?? []).findLast((option) => /^apparmor[=:]/.test(option))?.slice('apparmor='.length) ?? '';
  if (startNumber === 0) return asked;
  if (!securityOptions.includes('name=apparmor')) return '';
  return asked || (Privileged === true ? 'unconfined' : 'docker-default');
}
