import type { Done, RequestContext } from '#contracts/request.js';
import { parseNewTag } from '#libs/oci/reference.js';
import { hexOfId, type ImageAggregates, type ImageDirectory } from './image-directory.js';
import type { Turns } from './tag-turns.js';
import type { UnsureImages } from './unsure-images.js';

/** `docker tag`: another name for an image; a name that another image had moves. */
export class TagOneImage {
  constructor(
    private readonly aggregates: ImageAggregates,
    private readonly directory: ImageDirectory,
    private readonly unsure: UnsureImages,
    private readonly tagTurns: Turns,
  ) {}

  async run(image: string, text: string, asked: RequestContext): Promise<Done> {
    const tag = parseNewTag(text);
    return await this.tagTurns.take(async () => {
      const { configDigest } = this.directory.find(image).image;
      const former = this.directory.holderOf(tag);
      const at = new Date().toISOString();
      // The new holder first: whenever this is cut short, the tag means one image, the latest.
      const tagged = await this.unsure.moves([tag], configDigest, asked, () => this.aggregates.execute(hexOfId(configDigest), { type: 'Tag', image: configDigest, reference: tag, at }, asked));
      if (!former || former.configDigest === configDigest) return { position: tagged.position };
      const untagged = await this.aggregates.execute(hexOfId(former.configDigest), { type: 'Untag', image: former.configDigest, references: [tag], movedTo: configDigest, at }, asked);
      return { position: Math.max(tagged.position, untagged.position) };
    });
  }
}
