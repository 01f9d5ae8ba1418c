import type { ImageEvent, ImageLayer } from '#contracts/images/images.js';
import { notFound } from '#libs/errors/errors.js';
import type { Decider } from '#libs/event-store/decider.js';

export interface PresentImage {
  readonly status: 'present';
  /** "sha256:…" of the configuration: the image's id. */
  readonly configDigest: string;
  readonly manifestDigest: string;
  /** Bottom up. */
  readonly layers: readonly ImageLayer[];
  readonly sizeBytes: number;
  readonly addedAt: string;
  /** Familiar form, "debian:latest". */
  readonly tags: readonly string[];
  /** Familiar form, "debian@sha256:…". */
  readonly digests: readonly string[];
}

export type Image = { readonly status: 'absent' } | PresentImage;

/** Of the references of a command, those that are recorded though the image has them already. */
interface OnceMore {
  readonly onceMore?: readonly string[];
}

export type ImageOrigin = Extract<ImageEvent, { type: 'ImageAdded' }>['origin'];

export type ImageCommand =
  | (OnceMore & {
      readonly type: 'Add';
      readonly image: string;
      readonly manifestDigest: string;
      readonly layers: readonly ImageLayer[];
      readonly sizeBytes: number;
      readonly origin: ImageOrigin;
      readonly tags: readonly string[];
      readonly digests: readonly string[];
      readonly labels?: Readonly<Record<string, string>>;
      readonly at: string;
    })
  | { readonly type: 'Tag'; readonly image: string; readonly reference: string; readonly at: string }
  | { readonly type: 'Untag'; readonly image: string; readonly references: readonly string[]; readonly movedTo?: string; readonly at: string }
  | { readonly type: 'Save'; readonly image: string; readonly at: string }
  | { readonly type: 'Remove'; readonly image: string; readonly at: string };

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const IMAGE_FOLD = '2';

export const imageDecider: Decider<Image, ImageCommand, ImageEvent> = {
  initialState: { status: 'absent' },

  decide(command, state) {
    const { image, at } = command;
    if (command.type === 'Add') {
      const { manifestDigest, layers, sizeBytes, origin, labels } = command;
      const known = state.status === 'present' ? state : undefined;
      const isNew = (reference: string, has: readonly string[] = []): boolean => !has.includes(reference) || isOnceMore(command, reference);
      return [
        ...(known ? hereAlready(command) : [{ type: 'ImageAdded', image, configDigest: image, manifestDigest, layers, sizeBytes, origin, at, ...(labels === undefined ? {} : { labels }) } as const]),
        ...command.tags.filter((tag) => isNew(tag, known?.tags)).map((reference) => ({ type: 'ImageTagged', image, reference, at }) as const),
        ...command.digests.filter((digest) => isNew(digest, known?.digests)).map((reference) => ({ type: 'DigestRecorded', image, reference, at }) as const),
      ];
    }
    if (command.type === 'Tag') {
      if (state.status === 'absent') throw notFound(`No such image: ${image}`);
      return [{ type: 'ImageTagged', image, reference: command.reference, at }];
    }
    if (state.status === 'absent') return [];
    if (command.type === 'Save') return [{ type: 'ImageSaved', image, at }];
    const names = [...state.tags, ...state.digests];
    const gone = command.type === 'Remove' ? names : names.filter((name) => command.references.includes(name));
    const moved = command.type === 'Untag' && command.movedTo !== undefined ? { movedTo: command.movedTo } : {};
    const untagged = gone.map((reference) => ({ type: 'ImageUntagged', image, reference, ...moved, at }) as const);
    return command.type === 'Remove' ? [...untagged, { type: 'ImageRemoved', image, at }] : untagged;
  },

  evolve(state, event) {
    if (event.type === 'ImageAdded') {
      const { configDigest, manifestDigest, layers, sizeBytes, at } = event;
      return { status: 'present', configDigest, manifestDigest, layers, sizeBytes, addedAt: at, tags: [], digests: [] };
    }
    if (event.type === 'ImageRemoved' || state.status === 'absent') return { status: 'absent' };
    switch (event.type) {
      case 'ImageTagged':
        return { ...state, tags: withLast(state.tags, event.reference) };
      case 'DigestRecorded':
        return { ...state, digests: withLast(state.digests, event.reference) };
      case 'ImageUntagged':
        return { ...state, tags: without(state.tags, event.reference), digests: without(state.digests, event.reference) };
      case 'ImagePulled':
      case 'ImageLoaded':
      case 'ImageSaved':
        return state;
    }
  },
};

/** Of an image that came once more: who asked for it hears of that, too. */
function hereAlready({ origin, image, tags, digests, at }: Extract<ImageCommand, { type: 'Add' }>): ImageEvent[] {
  const reference = tags[0] ?? digests[0];
  if (origin === 'pull' && reference !== undefined) return [{ type: 'ImagePulled', image, reference, at }];
  return origin === 'load' ? [{ type: 'ImageLoaded', image, at }] : [];
}

const without = (references: readonly string[], reference: string): readonly string[] => references.filter((one) => one !== reference);
const withLast = (references: readonly string[], reference: string): readonly string[] => [...without(references, reference), reference];
const isOnceMore = ({ onceMore = [] }: OnceMore, reference: string): boolean => onceMore.includes(reference);
