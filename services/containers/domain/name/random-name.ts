/** Words of the harbour, for containers that nobody named. */
const ADJECTIVES = 'able amber bold brave bright brisk calm clear clever coastal deep eager early fair fast fine fresh gentle golden grand green happy hardy honest jolly keen kind lively loyal lucky mellow merry mighty neat nimble noble northern proud quick quiet rapid ready salty serene sharp silver sleek smart solid southern spry stable steady stout sturdy sunny swift tidal tidy trim true trusty vivid warm western wise'.split(' ');
const NOUNS = 'anchor barge beacon berth bollard bosun bowline breeze brig buoy cape captain cargo clipper cove crane current cutter deck dinghy dock ferry fjord flagship frigate galleon gangway gull halyard harbor helm hull island jetty keel ketch lagoon lantern lighthouse mariner marlin mast moorings narrows oar osprey pelican pier pilot pontoon porpoise quay reef rigging rudder sail schooner seal sextant shoal skiff sloop spar starboard tanker tide trawler tug wharf windlass yawl'.split(' ');

/** No vowels, so that they are no words, and nothing that looks like something else. */
const LETTERS = 'bcdfghjkmnpqrstvwxz23456789';

/**
 * "calm_tug_x7k", one of 90 million: a name that was used before is looked for by the log's server, in parts of the log that are long out of its memory.
 * `random`: three numbers in [0, 1). `attempt` above 0 adds a digit, for when that is taken nevertheless.
 */
export function randomName(random: readonly [number, number, number], attempt: number): string {
  const pick = (words: readonly string[], at: number): string => words[Math.floor(at * words.length)] ?? words[0] ?? 'container';
  const letters = [1, LETTERS.length, LETTERS.length ** 2].map((part) => LETTERS[Math.floor(random[2] * LETTERS.length * part) % LETTERS.length]).join('');
  return `${pick(ADJECTIVES, random[0])}_${pick(NOUNS, random[1])}_${letters}${attempt > 0 ? attempt : ''}`;
}
