import { writeFileSync } from 'node:fs';
import { chartNatsConf, NATS_CONF } from './nats-conf.js';

// `npm run chart`: writes the chart's nats.conf anew.
writeFileSync(NATS_CONF, chartNatsConf());
