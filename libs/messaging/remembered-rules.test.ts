import { IsInt, IsString, MetadataStorage, validateSync } from 'class-validator';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { rememberRules } from './remembered-rules.js';

/** Where class-validator keeps the rules of a process: that of other tests may remember them already. */
const kept = globalThis as { classValidatorMetadataStorage?: MetadataStorage | undefined };
const others = kept.classValidatorMetadataStorage;
const storage = (kept.classValidatorMetadataStorage = new MetadataStorage());
afterAll(() => (kept.classValidatorMetadataStorage = others));

class Named {
  @IsString()
  name = '';
}

class Counted extends Named {
  @IsInt()
  count = 0;
}

const lookUp = vi.spyOn(MetadataStorage.prototype, 'getTargetValidationMetadatas');
beforeAll(() => rememberRules(storage));

const problemsOf = (wish: object): unknown => validateSync(wish).map(({ property, constraints }) => [property, Object.keys(constraints ?? {})]);

test('an object is held to the rules of its class and of those above, which are looked up once', () => {
  lookUp.mockClear();
  for (let time = 1; time <= 2; time++) {
    expect(problemsOf(Object.assign(new Counted(), { count: 'three', name: 4 }))).toEqual([['count', ['isInt']], ['name', ['isString']]]);
    expect(problemsOf(Object.assign(new Named(), { count: 'three' }))).toEqual([]);
  }
  expect(lookUp).toHaveBeenCalledTimes(2);
});

test('what is no object of a class has no rules, and is refused', () => {
  expect(problemsOf({ name: 'x', constructor: 'Named' })).toEqual([[undefined, ['unknownValue']]]);
  expect(problemsOf({ name: 'x' })).toEqual([[undefined, ['unknownValue']]]);
});
