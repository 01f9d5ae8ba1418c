import { describeRuntime } from './runtime-suite.js';
import { engineWithRuntimes, OTHERS } from './runtimes-engine.js';

const running = engineWithRuntimes();
for (const runtime of OTHERS) describeRuntime(runtime, running, 'whole');
