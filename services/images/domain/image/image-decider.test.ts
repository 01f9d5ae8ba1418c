import { test } from 'vitest';
import type { ImageEvent } from '#contracts/images/images.js';
import { idempotent, specify } from '#libs/event-store/testing/specify.js';
import { type ImageCommand, imageDecider } from './image-decider.js';

const at = '2026-01-01T00:00:00.000000000Z';
const image = `sha256:${'1'.repeat(64)}`;
const added: ImageEvent = { type: 'ImageAdded', image, configDigest: image, manifestDigest: image, layers: [], sizeBytes: 0, origin: 'load', at };
const tagged: ImageEvent = { type: 'ImageTagged', image, reference: 'app:1', at };
const recorded: ImageEvent = { type: 'DigestRecorded', image, reference: 'app@sha256:2', at };
const add: ImageCommand = { type: 'Add', image, manifestDigest: image, layers: [], sizeBytes: 0, origin: 'load', tags: ['app:1', 'app:2'], digests: ['app@sha256:2'], at };
const tag: ImageCommand = { type: 'Tag', image, reference: 'app:1', at };
const remove: ImageCommand = { type: 'Remove', image, at };
const given = specify(imageDecider);

test('an image that is there is given what it has not', () => given(added, tagged).when(add).then({ type: 'ImageLoaded', image, at }, { ...tagged, reference: 'app:2' }, recorded));
test('the labels of its configuration come with it', () => given().when({ ...add, labels: { k: 'v' }, tags: [], digests: [] }).then({ ...added, labels: { k: 'v' } }));
test('a reference that it has, and that may no longer be its own, is recorded once more where that is asked for', () => {
  given(added, tagged, recorded).when({ ...add, origin: 'commit', onceMore: ['app:1', 'app@sha256:2'] }).then(tagged, { ...tagged, reference: 'app:2' }, recorded);
});
test('an image that goes gives its names back', () => given(added, tagged).when(remove).then({ ...tagged, type: 'ImageUntagged' }, { type: 'ImageRemoved', image, at }));
test('an image added or removed twice is so once', () => idempotent(imageDecider, [[], [added], [added, tagged]], [{ ...add, origin: 'import' }, remove]));
test('what is pulled, loaded, tagged or saved once more is told once more', () => {
  given(added, tagged, recorded).when({ ...add, tags: ['app:1'], origin: 'pull' }).then({ type: 'ImagePulled', image, reference: 'app:1', at });
  given(added, tagged, recorded).when({ ...add, tags: [], origin: 'pull' }).then({ type: 'ImagePulled', image, reference: 'app@sha256:2', at });
  given(added, tagged, recorded).when({ ...add, tags: [] }).then({ type: 'ImageLoaded', image, at });
  given(added, tagged).when(tag).then(tagged);
  given(added).when({ type: 'Save', image, at }).then({ type: 'ImageSaved', image, at });
});
test('of a name that goes it is told who has it now', () => given(added, tagged).when({ type: 'Untag', image, references: ['app:1'], movedTo: 'sha256:2', at }).then({ ...tagged, type: 'ImageUntagged', movedTo: 'sha256:2' }));
