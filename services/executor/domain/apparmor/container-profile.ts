import type { TaskSecurity } from '#contracts/executor/tasks.js';
import { DEFAULT_PROFILE } from './default-profile.js';

/** The profile of a container and of every exec in it, on a host with AppArmor: `docker exec --privileged` gives capabilities, and no other profile. */
export const containerProfile = ({ apparmor, privileged }: Pick<TaskSecurity, 'apparmor' | 'privileged'>): string => apparmor || (privileged ? 'unconfined' : DEFAULT_PROFILE);
