import { secondsOr } from './fuzzing.js';
import { fuzzParsers } from './parsers.js';

fuzzParsers(secondsOr(0.6));
