import { expect, test } from 'vitest';
import { specify } from '#libs/event-store/testing/specify.js';
import { type RefusalCommand, refusalDecider, WRITTEN_A_MINUTE } from './refusal-decider.js';

const given = specify(refusalDecider);
const refuse = (at: string): RefusalCommand => ({ type: 'Refuse', route: 'POST /containers/:id/stop', target: 'web', reason: 'it needs the role operator', by: 'policy', at });
const refused = (at: string) => ({ ...refuse(at), type: 'AccessRefused' }) as const;
const minute = Array.from({ length: WRITTEN_A_MINUTE }, () => refused('2026-01-02T03:04:05.000Z'));

test('a refusal is written', () => given().when(refuse('2026-01-02T03:04:05.000Z')).then(refused('2026-01-02T03:04:05.000Z')));
test('who is refused all the time fills no disk', () => given(...minute).when(refuse('2026-01-02T03:04:59.000Z')).thenNothing());
test('the next minute is written again', () => given(...minute).when(refuse('2026-01-02T03:05:00.000Z')).then(refused('2026-01-02T03:05:00.000Z')));
test('the limit is one', () => expect(WRITTEN_A_MINUTE).toBeLessThan(100));
