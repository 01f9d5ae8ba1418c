import type { ListedContainer } from '#contracts/containers/container-state.js';

/** What a container's image was called when the container was made. */
export const imageAsked = ({ config: { Image }, imageRef }: ListedContainer): string => Image ?? imageRef;

/** Kept, since the summary of a view that is the same one is not written out again. */
const byId = new WeakMap<ListedContainer, ListedContainer>();

/** The container as lists show it: by its image's id once the name means another image, or none. `meant`: which image a name means now; a name that is not in it is shown as it is. */
export function withShownImage(view: ListedContainer, meant: ReadonlyMap<string, string | null>): ListedContainer {
  const means = meant.get(imageAsked(view));
  if (means === undefined || means === view.imageId || imageAsked(view) === view.imageId) return view;
  let shown = byId.get(view);
  if (shown === undefined) byId.set(view, (shown = { ...view, config: { ...view.config, Image: view.imageId } }));
  return shown;
}
