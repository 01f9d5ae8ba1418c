/** Words of the harbour, for containers that nobody named. */
const ADJECTIVES = 'able amber bold brave bright brisk calm clear clever coastal deep eager early fair fast fine fresh gentle golden grand green happy hardy honest jolly keen kind lively loyal lucky mellow merry mighty neat nimble noble northern proud quick quiet rapid ready salty serene sharp silver sleek smart solid southern spry stable steady stout sturdy sunny swift tidal tidy trim true trusty vivid warm western wise'.split(' ');
const NOUNS = 'anchor barge beacon berth bollard bosun bowline breeze brig buoy cape captain cargo clipper cove crane current cutter deck dinghy dock ferry fjord flagship frigate galleon gangway gull halyard harbor helm hull island jetty keel ketch lagoon lantern lighthouse mariner marlin mast moorings narrows oar osprey pelican pier pilot pontoon porpoise quay reef rigging rudder sail schooner seal sextant shoal skiff sloop spar starboard tanker tide trawler tug wharf windlass yawl'.split(' ');

/**
 * Two adjectives and a noun, some 300,000 together: what was used before is looked for in the log, in parts of it that are long out of memory.
 * `random`: three numbers in [0, 1). `attempt` above 0 adds a digit, for when all the nice ones are taken.
 */
export function randomName(random: readonly [number, number, number], attempt: number): string {
  const pick = (words: readonly string[], at: number): string => words[Math.floor(at * words.length)] ?? words[0] ?? 'container';
  const first = pick(ADJECTIVES, random[0]);
  const second = pick(ADJECTIVES.filter((word) => word !== first), random[1]);
  return `${first}_${second}_${pick(NOUNS, random[2])}${attempt > 0 ? attempt : ''}`;
}
