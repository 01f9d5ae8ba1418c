import { describe, expect, test } from 'vitest';
import { parseArguments, PEERS } from './arguments.js';

describe('the command line of the bench', () => {
  test('measures everything beside all peers unless told otherwise', () => {
    expect(parseArguments([])).toEqual({ quick: false, json: false, only: [], peers: new Set(PEERS) });
  });

  test('takes parts, peers and a number of containers', () => {
    expect(parseArguments(['--quick', '--json', '--only=bridge,none', '--peers=newer-dockerd,bare-c', '--lives=10000'])).toEqual({
      quick: true, json: true, only: ['bridge', 'none'], peers: new Set(['newer-dockerd', 'bare-c']), lives: 10_000,
    });
  });

  test('can do without any peer', () => {
    expect(parseArguments(['--peers=']).peers).toEqual(new Set());
  });

  test('refuses what it does not know, and says what there is', () => {
    expect(() => parseArguments(['--peers=dockerd,kata'])).toThrow('--peers takes some of dockerd,newer-dockerd,podman,runc,crun,bare-c, not kata');
    expect(() => parseArguments(['--rounds=3'])).toThrow('--rounds');
    for (const lives of ['0', '-1', '1.5', 'many']) expect(() => parseArguments([`--lives=${lives}`])).toThrow(`--lives takes a number of containers, not ${lives}`);
  });

  test('names this machine\'s dockerd first', () => {
    expect(PEERS[0]).toBe('dockerd');
  });
});
