import { Controller } from '@nestjs/common';
import { CommitImage, GetImage, HoldImage, ImportImage, ListImages, LoadImages, LogInToRegistry, PullImage, ReleaseImage, RemoveImage, ResolveImages, SaveImages, TagImage, type ImageView } from '#contracts/images/images.js';
import type { Done, RequestContext, StreamEndpoint } from '#contracts/request.js';
import { Asked, Body, Handles } from '#libs/messaging/handles.js';
import { StreamServer } from '#libs/messaging/stream-server.js';
import { CommitContainerImage } from './application/commit-image.js';
import { ImageHolds } from './application/image-holds.js';
import { ImageViews } from './application/image-views.js';
import { ImportArchive } from './application/import-image.js';
import { LoadArchive } from './application/load-images.js';
import { PullOneImage } from './application/pull-image.js';
import { RegistryLogins } from './application/registry-logins.js';
import { RemoveOneImage, type Removed } from './application/remove-image.js';
import { SaveArchive } from './application/save-images.js';
import { TagOneImage } from './application/tag-image.js';

@Controller()
export class ImagesController {
  constructor(
    private readonly streams: StreamServer,
    private readonly views: ImageViews,
    private readonly pulls: PullOneImage,
    private readonly loads: LoadArchive,
    private readonly imports: ImportArchive,
    private readonly commits: CommitContainerImage,
    private readonly saves: SaveArchive,
    private readonly tags: TagOneImage,
    private readonly removals: RemoveOneImage,
    private readonly logins: RegistryLogins,
    private readonly holds: ImageHolds,
  ) {}

  @Handles(GetImage)
  get(@Body() query: GetImage): Promise<ImageView> {
    return this.views.get(query.image);
  }

  @Handles(ResolveImages)
  resolve(@Body() query: ResolveImages): { readonly ids: readonly (string | null)[] } {
    return { ids: query.images.map((image) => this.views.idOf(image) ?? null) };
  }

  @Handles(HoldImage)
  async hold(@Body() command: HoldImage): Promise<ImageView> {
    const { configDigest } = await this.holds.hold(command.image, command.container);
    return this.views.get(configDigest);
  }

  @Handles(ReleaseImage)
  release(@Body() command: ReleaseImage): Done {
    this.holds.release(command.container);
    return { position: 0 };
  }

  @Handles(ListImages)
  list(): Promise<{ readonly images: readonly ImageView[]; readonly position: number }> {
    return this.views.list();
  }

  @Handles(PullImage)
  async pull(@Body() command: PullImage, @Asked() asked: RequestContext): Promise<StreamEndpoint> {
    const started = await this.pulls.start(command);
    if (asked.dryRun) {
      await this.pulls.plan(started, asked);
      return { path: '', ticket: '' };
    }
    return this.streams.offerWhole((socket) => this.pulls.serve(socket, started, asked));
  }

  @Handles(LoadImages)
  load(@Body() command: LoadImages, @Asked() asked: RequestContext): StreamEndpoint {
    return this.streams.offer((socket) => this.loads.serve(socket, command, asked));
  }

  @Handles(ImportImage)
  import(@Body() command: ImportImage, @Asked() asked: RequestContext): StreamEndpoint {
    const prepared = this.imports.prepare(command);
    return this.streams.offer((socket) => this.imports.serve(socket, command.message, prepared, asked));
  }

  @Handles(CommitImage)
  commit(@Body() command: CommitImage, @Asked() asked: RequestContext): Promise<{ readonly id: string; readonly position: number }> {
    return this.commits.run(command, asked);
  }

  @Handles(LogInToRegistry)
  logIn(@Body() command: LogInToRegistry): Promise<{ readonly identityToken: string }> {
    return this.logins.check(command);
  }

  @Handles(SaveImages)
  async save(@Body() command: SaveImages, @Asked() asked: RequestContext): Promise<StreamEndpoint> {
    const selection = this.saves.select(command.images);
    await this.saves.record(selection, asked);
    if (asked.dryRun) return { path: '', ticket: '' };
    return this.streams.offerWhole((out) => this.saves.serve(out, selection));
  }

  @Handles(TagImage)
  tag(@Body() command: TagImage, @Asked() asked: RequestContext): Promise<Done> {
    return this.tags.run(command.image, command.reference, asked);
  }

  @Handles(RemoveImage)
  remove(@Body() command: RemoveImage, @Asked() asked: RequestContext): Promise<Removed> {
    return this.removals.run(command, asked);
  }
}
