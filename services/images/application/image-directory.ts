import type { ImageEvent } from '#contracts/images/images.js';
import { invalid, notFound } from '#libs/errors/errors.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import { familiar, familiarName, parseReference, type Reference } from '#libs/oci/reference.js';
import type { Image, ImageCommand, PresentImage } from '../domain/image/image-decider.js';

export type ImageAggregates = Aggregates<Image, ImageCommand, ImageEvent>;

export interface Found {
  readonly image: PresentImage;
  /** The tag or digest reference it was found by, in familiar form; undefined: by id. */
  readonly by?: string;
}

/** Which image a name means: tags are folded from all images' events, the latest one holding a tag. */
export class ImageDirectory {
  private readonly byTag = new Map<string, string>();

  /** Made before `aggregates.start()`, so that it sees all of the log. */
  constructor(private readonly aggregates: ImageAggregates) {
    aggregates.onCommit((hex, commit) => {
      for (const event of commit.events) this.see(hex, event);
    });
  }

  get position(): number {
    return this.aggregates.position;
  }

  get(id: string): PresentImage | undefined {
    const { state } = this.aggregates.get(hexOfId(id));
    return state.status === 'present' ? state : undefined;
  }

  *all(): Iterable<PresentImage> {
    for (const [, state] of this.aggregates.entries()) if (state.status === 'present') yield state;
  }

  /** Tags of the image that are its own: one whose untagging was cut short does not count. */
  tagsOf(image: PresentImage): readonly string[] {
    const hex = hexOfId(image.configDigest);
    return image.tags.filter((tag) => this.byTag.get(tag) === hex).sort();
  }

  /** The image that holds a tag in familiar form. */
  holderOf(tag: string): PresentImage | undefined {
    const hex = this.byTag.get(tag);
    return hex === undefined ? undefined : this.get(hex);
  }

  /** By reference, id or the beginning of an id. Throws not-found in Docker's words. */
  find(text: string): Found {
    if (/^(sha256:)?[0-9a-f]{64}$/.test(text)) {
      const image = this.get(text);
      if (image) return { image };
      throw notFound(`No such image: ${text}`);
    }
    const reference = tryParse(text);
    if (reference) {
      const named = this.findNamed(reference);
      if (named) return named;
    }
    const prefix = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
    if (/^[0-9a-f]{1,63}$/.test(prefix)) {
      const matches = [...this.all()].filter((image) => hexOfId(image.configDigest).startsWith(prefix));
      if (matches.length > 1) throw invalid(`image ID prefix "${prefix}" is ambiguous: it means ${matches.length} images`);
      if (matches[0]) return { image: matches[0] };
    }
    if (!reference) parseReference(text); // throws what is wrong with it
    throw notFound(`No such image: ${reference && !reference.tag && !reference.digest ? `${familiar(reference)}:latest` : reference ? familiar(reference) : text}`);
  }

  /** Whether this happened to an image that `text` meant until then. */
  tookAway(text: string, event: ImageEvent): boolean {
    const reference = tryParse(text);
    if (event.type === 'ImageUntagged') return reference !== undefined && event.reference === familiarly(reference);
    const prefix = hexOfId(text);
    return event.type === 'ImageRemoved' && /^[0-9a-f]+$/.test(prefix) && hexOfId(event.image).startsWith(prefix);
  }

  /** All tags of a repository, in familiar form, and their images. None where `text` is more than a repository's name, or no name. */
  tagsOfRepository(text: string): { readonly tag: string; readonly image: PresentImage }[] {
    const reference = tryParse(text);
    if (reference === undefined || reference.tag !== undefined || reference.digest !== undefined) return [];
    const name = familiarName(reference);
    return [...this.byTag.keys()]
      .filter((tag) => tag.slice(0, tag.lastIndexOf(':')) === name)
      .flatMap((tag) => {
        const image = this.holderOf(tag);
        return image ? [{ tag, image }] : [];
      });
  }

  private findNamed(reference: Reference): Found | undefined {
    const by = familiarly(reference);
    if (reference.digest !== undefined) {
      for (const image of this.all()) if (image.digests.includes(by)) return { image, by };
      return undefined;
    }
    const image = this.holderOf(by);
    return image && { image, by };
  }

  /** What a snapshot keeps beside the images: which of several that a cut-short move left holding a tag got it last. */
  freeze(): unknown {
    return [...this.byTag];
  }

  thaw(frozen: unknown): void {
    for (const [tag, hex] of frozen as [string, string][]) this.byTag.set(tag, hex); // what `freeze` gave
  }

  private see(hex: string, event: ImageEvent): void {
    if (event.type === 'ImageTagged') this.byTag.set(event.reference, hex);
    else if (event.type === 'ImageUntagged' && this.byTag.get(event.reference) === hex) this.byTag.delete(event.reference);
    else if (event.type === 'ImageRemoved') for (const [tag, holder] of this.byTag) if (holder === hex) this.byTag.delete(tag);
  }
}

/** What an image's aggregate is called: the digits of its id. */
export function hexOfId(id: string): string {
  return id.startsWith('sha256:') ? id.slice('sha256:'.length) : id;
}

/** As images have it: of a tag or a digest, of the tag `latest` without either. */
function familiarly(reference: Reference): string {
  return reference.digest === undefined ? familiar({ ...reference, tag: reference.tag ?? 'latest' }) : `${familiarName(reference)}@${reference.digest}`;
}

function tryParse(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}
