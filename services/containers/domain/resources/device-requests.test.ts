import { expect, test } from 'vitest';
import type { DeviceRequest } from '#contracts/containers/container-config.js';
import { cdiDevices } from './device-requests.js';

const of = (request: DeviceRequest): readonly string[] => cdiDevices({ DeviceRequests: [request] });

test('--device with a name, and --gpus, are names of devices', () => {
  expect(cdiDevices({})).toEqual([]);
  expect(of({ Driver: 'cdi', DeviceIDs: ['vendor.com/class=one', 'vendor.com/class=two'] })).toEqual(['vendor.com/class=one', 'vendor.com/class=two']);
  expect(of({ Driver: '', Count: -1, Capabilities: [['gpu']] })).toEqual(['gpu=all']);
  expect(of({ Count: 0, Capabilities: [['gpu']] })).toEqual(['gpu=none']);
  expect(of({ Count: 2, Capabilities: [['gpu', 'nvidia']] })).toEqual(['gpu=0', 'gpu=1']);
  expect(of({ DeviceIDs: ['GPU-1', '3'], Capabilities: [['tpu'], ['gpu']] })).toEqual(['gpu=GPU-1', 'gpu=3']);
});

test.each<[DeviceRequest, string]>([
  [{ Driver: 'nosuch', Count: -1, Capabilities: [['gpu']] }, 'could not select device driver "nosuch" with capabilities: [[gpu]]'],
  [{ Count: 1, Capabilities: [['gpu', 'compute'], ['tpu']] }, 'could not select device driver "" with capabilities: [[gpu compute] [tpu]]'],
  [{ Driver: 'cdi', Count: 1, DeviceIDs: ['a/b=c'] }, 'unexpected count in CDI device request'],
  [{ Driver: 'cdi', Options: { a: 'b' }, DeviceIDs: ['a/b=c'] }, 'unexpected options in CDI device request'],
  [{ Driver: 'cdi', DeviceIDs: ['gpu=all'] }, 'unresolvable CDI devices gpu=all'],
  [{ Count: -1, DeviceIDs: ['1'], Capabilities: [['gpu']] }, 'cannot set both Count and DeviceIDs on device request'],
])('%j is refused', (request, says) => expect(() => of(request)).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining(says) as string }) as Error));
