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
  | (OnceMore & { readonly type: 'Tag'; readonly image: string; readonly reference: string; readonly at: string })
  | { readonly type: 'Untag'; readonly image: string; readonly references: readonly string[]; readonly at: string }
  | { readonly type: 'Remove'; readonly image: string; readonly at: string };

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const IMAGE_FOLD = '1';

export const imageDecider: Decider<Image, ImageCommand, ImageEvent> = {
  initialState: { status: 'absent' },

  decide(command, state) {
    const { image, at } = command;
    if (command.type === 'Add') {
      const { manifestDigest, layers, sizeBytes, origin, labels } = command;
      const known = state.status === 'present' ? state : undefined;
      const isNew = (reference: string, has: readonly string[] = []): boolean => !has.includes(reference) || isOnceMore(command, reference);
      return [
        ...(known ? [] : [{ type: 'ImageAdded', image, configDigest: image, manifestDigest, layers, sizeBytes, origin, at, ...(labels === undefined ? {} : { labels }) } as const]),
        ...command.tags.filter((tag) => isNew(tag, known?.tags)).map((reference) => ({ type: 'ImageTagged', image, reference, at }) as const),
        ...command.digests.filter((digest) => isNew(digest, known?.digests)).map((reference) => ({ type: 'DigestRecorded', image, reference, at }) as const),
      ];
    }
    if (command.type === 'Tag') {
      if (state.status === 'absent') throw notFound(`No such image: ${image}`);
      return state.tags.includes(command.reference) && !isOnceMore(command, command.reference) ? [] : [{ type: 'ImageTagged', image, reference: command.reference, at }];
    }
    if (state.status === 'absent') return [];
    const names = [...state.tags, ...state.digests];
    const gone = command.type === 'Remove' ? names : names.filter((name) => command.references.includes(name));
    const untagged = gone.map((reference) => ({ type: 'ImageUntagged', image, reference, at }) as const);
    return command.type === 'Remove' ? [...untagged, { type: 'ImageRemoved', image, at }] : untagged;
  },

  evolve(state, event) {
    if (event.type === 'ImageAdded') {
      const { configDigest, manifestDigest, layers, sizeBytes, at } = event;
      return { status: 'present', configDigest, manifestDigest, layers, sizeBytes, addedAt: at, tags: [], digests: [] };
    }
    if (event.type === 'ImageRemoved' || state.status === 'absent') return { status: 'absent' };
    const { reference } = event;
    switch (event.type) {
      case 'ImageTagged':
        return { ...state, tags: [...state.tags.filter((tag) => tag !== reference), reference] };
      case 'DigestRecorded':
        return { ...state, digests: [...state.digests.filter((digest) => digest !== reference), reference] };
      case 'ImageUntagged':
        return { ...state, tags: state.tags.filter((tag) => tag !== reference), digests: state.digests.filter((digest) => digest !== reference) };
    }
  },
};

const isOnceMore = ({ onceMore = [] }: OnceMore, reference: string): boolean => onceMore.includes(reference);
