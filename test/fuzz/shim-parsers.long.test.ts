import { fuzzShimParsers } from './shim-parsers.js';

fuzzShimParsers(5);
