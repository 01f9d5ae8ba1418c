import { IsArray, IsBoolean, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString } from 'class-validator';
import { ContainerChanges } from '../containers/edit.js';

/** One event of the log: GET /berth/history/{name} and GET /berth/events. */
export class LogEntry {
  /** Of its commit; a reader resumes after it. */
  @IsInt() readonly position!: number;
  /** RFC 3339: when it happened, as far as the event says, else when it was decided. */
  @IsString() readonly time!: string;
  @IsString() readonly aggregate!: string;
  @IsString() readonly event!: string;
  @IsString() readonly actor!: string;
  /** Correlation id: all that one request led to has the same. */
  @IsString() readonly cause!: string;
  /** In a history: since the first event of the same cause, which has none. So the last event of a cause tells how long all of it took. */
  @IsOptional() @IsNumber() readonly durationMs?: number;
  /** The event's own fields. */
  @IsObject() readonly details!: Record<string, unknown>;
}

/** An event as it is followed: with its place among the events of its commit, so that a reader cut off in between misses none. */
export class FollowedEntry extends LogEntry {
  @IsString() readonly subject!: string;
  @IsString() readonly commit!: string;
  @IsInt() readonly index!: number;
  @IsInt() readonly of!: number;
}

/** A container as the log tells it, now or at a time: GET /berth/containers and /berth/containers/{name}. */
export class LoggedContainer {
  @IsString() readonly id!: string;
  @IsString() readonly name!: string;
  @IsIn(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead', 'removed']) readonly status!: string;
  /** When `status` began. */
  @IsString() readonly since!: string;
  /** The event that made it, with what was edited since: configuration, image, mounts. */
  @IsObject() readonly created!: object;
  /** Of its edits: 1 is as it was created. */
  @IsInt() readonly version!: number;
  /** What was edited while it runs, and its run does not have. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly pending?: readonly string[];
  @IsInt() readonly start!: number;
  /** By its policy, since somebody last started it. */
  @IsInt() readonly restarts!: number;
  @IsInt() readonly pid!: number;
  @IsOptional() @IsString() readonly startedAt?: string;
  @IsOptional() @IsObject() readonly endpoint?: object;
  @IsOptional() @IsString() readonly startReason?: string;
  @IsOptional() @IsString() readonly startError?: string;
  @IsOptional() @IsObject() readonly exit?: object;
  /** How the run before this one ended. */
  @IsOptional() @IsObject() readonly lastExit?: object;
  @IsOptional() @IsInt() readonly restartDelayMs?: number;
  @IsOptional() @IsObject() readonly stop?: object;
  /** Who protected it from removal. */
  @IsOptional() @IsString() readonly protectedBy?: string;
  @IsOptional() @IsString() readonly removedBy?: string;
  /** Until then the removed container can come back. */
  @IsOptional() @IsString() readonly keptUntil?: string;
  /** Who brought it back from its removal; until its next start. */
  @IsOptional() @IsString() readonly restoredBy?: string;
}

/** GET /berth/why/{name} */
export class WhyReply {
  @IsString() readonly id!: string;
  @IsString() readonly name!: string;
  @IsString() readonly status!: string;
  @IsString() readonly since!: string;
  /** A sentence for people. */
  @IsString() readonly why!: string;
}

/** GET /berth/containers/{name}/run */
export class RunReply {
  @IsString() readonly id!: string;
  @IsString() readonly name!: string;
  /** The docker run that makes the container again, quoted for a shell. */
  @IsString() readonly run!: string;
}

/** GET /berth/status */
export class StatusReply {
  /** The log's last position. */
  @IsInt() readonly position!: number;
  @IsInt() readonly commits!: number;
  @IsInt() readonly events!: number;
  @IsOptional() @IsString() readonly firstCommit!: string | null;
  @IsOptional() @IsString() readonly lastCommit!: string | null;
  @IsObject() readonly commitsByAggregate!: Record<string, number>;
  /** Removed ones are not counted. */
  @IsObject() readonly containersByStatus!: Record<string, number>;
  @IsArray() @IsString({ each: true }) readonly ready!: string[];
  @IsArray() @IsString({ each: true }) readonly notReady!: string[];
}

/** GET /berth/log/verify */
export class VerifyReply {
  @IsInt() readonly commits!: number;
  @IsInt() readonly subjects!: number;
  /** Up to which the log was read: a later question may be from there on. */
  @IsInt() readonly position!: number;
  /** Each break of a chain. */
  @IsArray() @IsObject({ each: true }) readonly broken!: { readonly subject: string; readonly position: number; readonly reason: string }[];
}

/** POST /berth/containers/{name}/protect and …/unprotect */
export class ProtectionReply {
  @IsString() readonly id!: string;
  /** False: it was so already. */
  @IsBoolean() readonly changed!: boolean;
}

/** POST /berth/containers/{name}/edit and …/revert */
export class EditReply {
  @IsString() readonly id!: string;
  /** Counted from 1, the one that was created. */
  @IsInt() readonly version!: number;
  /** What holds now. */
  @IsArray() @IsString({ each: true }) readonly live!: readonly string[];
  /** What holds from the next start on. */
  @IsArray() @IsString({ each: true }) readonly atNextStart!: readonly string[];
}

/** A container that was removed and can come back: GET /berth/removed. */
export class RemovedReply {
  @IsString() readonly id!: string;
  @IsString() readonly name!: string;
  @IsString() readonly image!: string;
  @IsString() readonly removedAt!: string;
  /** From then on it is deleted for good. */
  @IsString() readonly until!: string;
}

/** POST /berth/removed/{name}/restore */
export class RestoreReply {
  @IsString() readonly id!: string;
  @IsString() readonly name!: string;
}

/** DELETE /berth/removed/{name} */
export class DiscardReply {
  @IsString() readonly discarded!: string;
}

export interface BerthRoute {
  readonly method?: 'post' | 'delete';
  readonly path: string;
  /** JSON. */
  readonly body?: new () => object;
  readonly summary: string;
  readonly query: readonly string[];
  readonly reply: new () => object;
  /** `list`: a JSON array; `lines`: one JSON object a line, as they come. */
  readonly shape: 'one' | 'list' | 'lines';
}

/** Berth's own additions to the Engine API; the OpenAPI document is made of this. */
export const BERTH_ROUTES: readonly BerthRoute[] = [
  { path: '/berth/containers', summary: 'All containers, now or at a time', query: ['at', 'minPosition'], reply: LoggedContainer, shape: 'list' },
  { path: '/berth/containers/{name}', summary: 'One container, now or at a time', query: ['at', 'minPosition'], reply: LoggedContainer, shape: 'one' },
  { path: '/berth/containers/{name}/run', summary: 'The docker run that makes a container again', query: [], reply: RunReply, shape: 'one' },
  { method: 'post', path: '/berth/containers/{name}/protect', summary: 'No removal of the container, also by force, until it is unprotected', query: ['dryRun'], reply: ProtectionReply, shape: 'one' },
  { method: 'post', path: '/berth/containers/{name}/unprotect', summary: 'The container can be removed again', query: ['dryRun'], reply: ProtectionReply, shape: 'one' },
  { method: 'post', path: '/berth/containers/{name}/edit', body: ContainerChanges, summary: 'Changes a container that is there, as a new version', query: ['dryRun'], reply: EditReply, shape: 'one' },
  { method: 'post', path: '/berth/containers/{name}/revert', summary: 'Makes a container what it was in an earlier version', query: ['to', 'dryRun'], reply: EditReply, shape: 'one' },
  { path: '/berth/removed', summary: 'Removed containers that can come back', query: [], reply: RemovedReply, shape: 'list' },
  { method: 'delete', path: '/berth/removed/{name}', summary: 'Deletes for good what is kept of a removed container', query: ['dryRun'], reply: DiscardReply, shape: 'one' },
  { method: 'post', path: '/berth/removed/{name}/restore', summary: 'Brings a removed container back', query: ['name', 'dryRun'], reply: RestoreReply, shape: 'one' },
  { path: '/berth/why/{name}', summary: 'Why a container is as it is', query: [], reply: WhyReply, shape: 'one' },
  { path: '/berth/history/{name}', summary: 'All that happened to a container, image, volume or network', query: [], reply: LogEntry, shape: 'list' },
  { path: '/berth/events', summary: 'The log after a position, followed with follow=1', query: ['from', 'follow'], reply: FollowedEntry, shape: 'lines' },
  { path: '/berth/status', summary: 'Services, containers, size of the log', query: [], reply: StatusReply, shape: 'one' },
  { path: '/berth/log/verify', summary: 'Whether every commit follows the one it says it follows; with from: those after that position, and what they continue', query: ['from'], reply: VerifyReply, shape: 'one' },
];
