import { secondsOr } from './fuzzing.js';
import { fuzzShimParsers } from './shim-parsers.js';

fuzzShimParsers(secondsOr(1));
