import { IsArray, IsBoolean, IsObject, IsOptional, IsString } from 'class-validator';
import type { Healthcheck } from '../containers/container-config.js';
import type { Done, StreamEndpoint } from '../request.js';
import { Request } from '../request.js';

/** The part of an OCI image configuration that a container takes as its defaults (image-spec, config.md). */
export interface ImageRunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Record<string, object>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Record<string, object> | null;
  readonly WorkingDir?: string;
  readonly Labels?: Record<string, string> | null;
  readonly StopSignal?: string;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
  readonly Healthcheck?: Healthcheck;
}

export interface ImageView {
  /** Digest of the configuration blob: "sha256:…". */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly createdAt: string;
  readonly sizeBytes: number;
  readonly architecture: string;
  readonly os: string;
  readonly variant: string;
  readonly author: string;
  readonly comment: string;
  readonly config: ImageRunConfig;
  readonly diffIds: readonly string[];
  /** Chain ids, the top layer first: what a snapshot of this image stands on. */
  readonly layers: readonly string[];
  /** Bytes of each layer's files, in the order of `diffIds`. */
  readonly layerBytes: readonly number[];
  readonly history: readonly object[];
}

/** By reference ("debian", "host:5000/a/b:tag", "name@sha256:…"), id or the beginning of an id. Refused as not-found: "No such image: X". */
export class GetImage extends Request<ImageView> {
  static readonly subject = 'berth.query.images.get';
  @IsString() readonly image!: string;
}

/** The id of the image that each name means, by the names and ids that GetImage takes; null where it means none. */
export class ResolveImages extends Request<{ readonly ids: readonly (string | null)[] }> {
  static readonly subject = 'berth.query.images.resolve';
  @IsArray() @IsString({ each: true }) readonly images!: readonly string[];
}

/** As GetImage, by whoever makes a container of it, or brings one back: until that is there, the image is in use. Refused as not-found: "No such image: X". */
export class HoldImage extends Request<ImageView> {
  static readonly subject = 'berth.command.images.hold';
  @IsString() readonly image!: string;
  /** That is being made, or comes back. */
  @IsString() readonly container!: string;
}

/** The container is there, or came to nothing. Of one that is not heard of any more the image is in use for an hour. */
export class ReleaseImage extends Request<Done> {
  static readonly subject = 'berth.command.images.release';
  @IsString() readonly container!: string;
}

export class ListImages extends Request<{ readonly images: readonly ImageView[]; readonly position: number }> {
  static readonly subject = 'berth.query.images.list';
}

/**
 * Progress of a pull, in the Engine API's JSON lines, comes from the endpoint; an error is its last line. A dry run asks the registry what the image consists of and fetches none of its
 * layers: of those that are not here nobody knows the bytes of their files, so they have none in its events, and the endpoint is nowhere.
 */
export class PullImage extends Request<StreamEndpoint> {
  static readonly subject = 'berth.command.images.pull';
  static readonly dryRun = true;
  @IsString() readonly reference!: string;
  /** Of a repository alone, without tag and digest, that is `reference`: otherwise the latest. */
  @IsOptional() @IsBoolean() readonly allTags?: boolean;
  @IsOptional() @IsString() readonly platform?: string;
  /** The X-Registry-Auth header, decoded. Never logged, never in an event. */
  @IsOptional() @IsObject() readonly auth?: { readonly username?: string; readonly password?: string; readonly identitytoken?: string; readonly registrytoken?: string; readonly serveraddress?: string };
}

/** Whether a registry takes these credentials. `identityToken` stands for them from now on; '' where the registry gives none. They are in no event and no log. */
export class LogInToRegistry extends Request<{ readonly identityToken: string }> {
  static readonly subject = 'berth.command.images.log-in';
  static readonly dryRun = true;
  /** Host, host and port, or a URL; '' for Docker's own. */
  @IsString() readonly server!: string;
  @IsOptional() @IsString() readonly username?: string;
  @IsOptional() @IsString() readonly password?: string;
  @IsOptional() @IsString() readonly identitytoken?: string;
}

/** The client writes the archive to the endpoint, its end told (libs/messaging/told-end.ts), and reads progress lines. */
export class LoadImages extends Request<StreamEndpoint> {
  static readonly subject = 'berth.command.images.load';
  static readonly dryRun = 'streamed';
  @IsBoolean() readonly quiet!: boolean;
  /** Images for another are left out. Absent: of an archive with several for one name this machine's is taken. */
  @IsOptional() @IsString() readonly platform?: string;
}

export class ImportImage extends Request<StreamEndpoint> {
  static readonly subject = 'berth.command.images.import';
  static readonly dryRun = 'streamed';
  @IsString() readonly reference!: string;
  @IsString() readonly message!: string;
  @IsArray() @IsString({ each: true }) readonly changes!: string[];
  /** That the image is for. Absent: this machine's. */
  @IsOptional() @IsString() readonly platform?: string;
}

/**
 * A new image: what a container wrote, on top of its image. The same request makes the same image, while the container's files are the same. Refused as
 * not-found when the container's image is gone.
 */
export class CommitImage extends Request<{ readonly id: string; readonly position: number }> {
  static readonly subject = 'berth.command.images.commit';
  @IsString() readonly container!: string;
  /** The container's image, by id. */
  @IsString() readonly parent!: string;
  /** Chain ids of the container, top first. */
  @IsArray() @IsString({ each: true }) readonly layers!: readonly string[];
  /** The new image's `config`. */
  @IsObject() readonly config!: object;
  /** Of the history's new step. */
  @IsString() readonly createdBy!: string;
  @IsString() readonly author!: string;
  @IsString() readonly comment!: string;
  @IsString() readonly createdAt!: string;
  /** '' for none. */
  @IsString() readonly reference!: string;
}

/** The archive comes from the endpoint, to its end; of a dry run it is nowhere. Refused as not-found for the first name that is none. */
export class SaveImages extends Request<StreamEndpoint> {
  static readonly subject = 'berth.command.images.save';
  static readonly dryRun = true;
  @IsArray() @IsString({ each: true }) readonly images!: string[];
}

export class TagImage extends Request<Done> {
  static readonly subject = 'berth.command.images.tag';
  static readonly dryRun = true;
  @IsString() readonly image!: string;
  @IsString() readonly reference!: string;
}

export class RemoveImage extends Request<{ readonly untagged: readonly string[]; readonly deleted: readonly string[]; readonly position: number }> {
  static readonly subject = 'berth.command.images.remove';
  static readonly dryRun = true;
  @IsString() readonly image!: string;
  @IsBoolean() readonly force!: boolean;
  @IsBoolean() readonly prune!: boolean;
  /** With `image` an id: goes with all its names, which are of these, and is refused as conflict where it has come to have another one. For who looked at it before, and not at what came since. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly knownAs?: readonly string[];
}

/**
 * `berth.event.image.<hex of id>`. `labels`: of its configuration, where they are not many; absent in what was logged before they were known. `movedTo`: the image that has the reference
 * since. Pulled, loaded: though it was here already.
 */
export type ImageEvent =
  | { readonly type: 'ImageAdded'; readonly image: string; readonly configDigest: string; readonly manifestDigest: string; readonly layers: readonly ImageLayer[]; readonly sizeBytes: number; readonly origin: 'pull' | 'load' | 'import' | 'commit'; readonly at: string; readonly labels?: Readonly<Record<string, string>> }
  | { readonly type: 'ImageTagged'; readonly image: string; readonly reference: string; readonly at: string }
  | { readonly type: 'ImageUntagged'; readonly image: string; readonly reference: string; readonly movedTo?: string; readonly at: string }
  | { readonly type: 'DigestRecorded'; readonly image: string; readonly reference: string; readonly at: string }
  | { readonly type: 'ImageRemoved'; readonly image: string; readonly at: string }
  | { readonly type: 'ImagePulled'; readonly image: string; readonly reference: string; readonly at: string }
  | { readonly type: 'ImageLoaded'; readonly image: string; readonly at: string }
  | { readonly type: 'ImageSaved'; readonly image: string; readonly at: string };

export interface ImageLayer {
  readonly chainId: string;
  readonly diffId: string;
  readonly digest: string;
  readonly mediaType: string;
  /** Of the blob. */
  readonly sizeBytes: number;
  /** Of the files in it; absent in what was logged before it was known. */
  readonly unpackedBytes?: number;
}
