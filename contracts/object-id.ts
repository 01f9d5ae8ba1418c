import { IsString, Matches, type ValidationOptions } from 'class-validator';

/** Ids of containers, execs and networks: 32 bytes in hex. They become parts of paths, on which root acts, and of subjects. */
export const OBJECT_ID = /^[0-9a-f]{64}$/;

export function IsObjectId(options: ValidationOptions = {}): PropertyDecorator {
  return (target, property) => {
    IsString(options)(target, property);
    Matches(OBJECT_ID, { ...options, message: '$property must be an id of 64 hex digits' })(target, property);
  };
}
