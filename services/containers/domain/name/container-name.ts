const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Whether a container may be called so; a leading "/" is the Engine API's, and no part of the name. */
export const isContainerName = (name: string): boolean => NAME.test(name);
