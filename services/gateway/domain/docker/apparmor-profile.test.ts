import { expect, test } from 'vitest';
import type { HostConfig } from '#contracts/containers/container-config.js';
import { appArmorProfile } from './apparmor-profile.js';

const ASKS: readonly HostConfig[] = [{}, { Privileged: true }, { SecurityOpt: ['apparmor=mine'] }, { Privileged: true, SecurityOpt: ['no-new-privileges', 'apparmor:unconfined'] }, { SecurityOpt: ['apparmor=mine', 'apparmor='] }];
const shown = (startNumber: number, securityOptions: readonly string[]): readonly string[] => ASKS.map((hostConfig) => appArmorProfile({ hostConfig, startNumber }, securityOptions));

test('before its first start a container shows the profile that was asked for', () => expect(shown(0, ['name=apparmor'])).toEqual(['', '', 'mine', 'unconfined', '']));
test('then the one it has', () => expect(shown(2, ['name=apparmor', 'name=seccomp,profile=builtin'])).toEqual(['docker-default', 'unconfined', 'mine', 'unconfined', 'docker-default']));
test('on a host without AppArmor that is none', () => expect(shown(1, ['name=seccomp,profile=builtin'])).toEqual(['', '', '', '', '']));
