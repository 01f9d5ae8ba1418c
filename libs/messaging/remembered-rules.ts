import type { MetadataStorage } from 'class-validator';

type Rules = ReturnType<MetadataStorage['getTargetValidationMetadatas']>;

/**
 * class-validator goes through all classes there are for the rules that an object's class inherits, and does so for every object of a message: a third of all that it takes. The rules of
 * a class are complete once it is defined, so they are looked up with its first object. The schema does not count: contracts are classes, and register none.
 */
export function rememberRules(storage: MetadataStorage): void {
  const lookUp = storage.getTargetValidationMetadatas.bind(storage);
  const known = new WeakMap<object, Rules>();
  storage.getTargetValidationMetadatas = (type, schema, always, strictGroups, groups) => {
    // What a message calls its constructor need not be one.
    if (typeof type !== 'function' || always || strictGroups || groups !== undefined) return lookUp(type, schema, always, strictGroups, groups);
    let rules = known.get(type);
    if (rules === undefined) known.set(type, (rules = lookUp(type, schema, always, strictGroups, groups)));
    return rules;
  };
}
