import { expect, test } from 'vitest';
import { IsObject } from 'class-validator';
import { requestValidation } from './handles.js';

class Labelled {
  @IsObject() readonly labels!: Readonly<Record<string, string>>;
}
/** As it comes over the bus. */
const validated = (text: string): Promise<unknown> => requestValidation.transform(JSON.parse(text), { type: 'body', metatype: Labelled });

test('a label called prototype is kept', async () => {
  const text = '{"labels":{"prototype":"1"}}';
  expect(JSON.stringify(await validated(text))).toBe(text);
});

test.each(['constructor', '__proto__', 'toString'])('one called %s cannot be kept, and is refused', async (name) => {
  await expect(validated(`{"labels":{"${name}":"1"}}`)).rejects.toThrow(`Berth cannot keep what is called ${name}`);
});
