import { fuzzParsers } from './parsers.js';

fuzzParsers(8);
