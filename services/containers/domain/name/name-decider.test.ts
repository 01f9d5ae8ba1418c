import { test } from 'vitest';
import { idempotent, specify } from '#libs/event-store/testing/specify.js';
import type { NameEvent } from '#contracts/containers/events.js';
import { type NameCommand, nameDecider } from './name-decider.js';

const given = specify(nameDecider);
const claimed: NameEvent = { type: 'NameClaimed', name: 'web', container: 'c1' };
const released: NameEvent = { type: 'NameReleased', name: 'web', container: 'c1' };
const claim = (container: string): NameCommand => ({ type: 'Claim', name: 'web', container });
const release = (container: string): NameCommand => ({ type: 'Release', name: 'web', container });

test('a free name goes to who asks for it', () => given().when(claim('c1')).then(claimed));
test('a taken name is refused, and the refusal tells who has it', () => given(claimed).when(claim('c2')).thenRefused('conflict', /"\/web" is already in use by container "c1"/));
test('a name given back can be taken again', () => given(claimed, released).when(claim('c2')).then({ ...claimed, container: 'c2' }));
test('only who holds a name can give it back', () => {
  given(claimed).when(release('c2')).thenNothing();
  given(claimed).when(release('c1')).then(released);
});
test('a name claimed or given back twice is so once', () => idempotent(nameDecider, [[], [claimed], [claimed, released]], [claim('c1'), claim('c2'), release('c1'), release('c2')]));
