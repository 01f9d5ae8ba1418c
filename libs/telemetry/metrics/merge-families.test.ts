import { expect, test } from 'vitest';
import { Exposition, type ExpositionFormat } from './exposition.js';
import { mergeFamilies } from './merge-families.js';

const page = (service: string, format: ExpositionFormat): string => {
  const out = new Exposition(format);
  out.family('appends_total', 'counter', 'Appends.').sample(`service="${service}",said="# HELP no"`, 1);
  out.family(`${service}_things`, 'gauge', 'Things.').sample('', 2);
  return String(out.bytes());
};

test.each(['text', 'openmetrics'] as const)('a family of two pages stands once, with the samples of both: %s', (format) => {
  const lines = mergeFamilies([page('images', format), page('volumes', format)]).split('\n');
  const name = format === 'text' ? 'appends_total' : 'appends';
  expect(lines).toEqual([
    `# HELP ${name} Appends.`,
    `# TYPE ${name} counter`,
    'appends_total{service="images",said="# HELP no"} 1',
    'appends_total{service="volumes",said="# HELP no"} 1',
    '# HELP images_things Things.',
    '# TYPE images_things gauge',
    'images_things 2',
    '# HELP volumes_things Things.',
    '# TYPE volumes_things gauge',
    'volumes_things 2',
    ...(format === 'openmetrics' ? ['# EOF'] : []),
    '',
  ]);
});
