import { expect, test } from 'vitest';
import { capabilitiesOf } from './file-capabilities.js';

const second = Buffer.from('0100000200040000000000000000000000000000', 'hex');
const third = Buffer.from('0100000300040000000000000000000000000000' + '60ae0a00', 'hex');

test('capabilities of a file are those of a namespace\'s root', () => {
  expect(capabilitiesOf(second, 700_000)).toEqual(third);
  expect(capabilitiesOf(third, 5)).toEqual(Buffer.concat([third.subarray(0, 20), Buffer.from([5, 0, 0, 0])]));
  expect(capabilitiesOf(Buffer.from('rubbish'), 5)).toEqual(Buffer.from('rubbish'));
});
