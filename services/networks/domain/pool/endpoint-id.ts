/** The endpoint of one run: container and start number. */
export const endpointOf = (container: string, start: number): string => `${container}-${start}`;

export const containerOf = (endpoint: string): string => parts(endpoint)[0];

/** Whether both are of one container, and `one` of an earlier run. */
export function isOfEarlierRun(one: string, other: string): boolean {
  const [container, start] = parts(one);
  const [otherContainer, otherStart] = parts(other);
  return container === otherContainer && start < otherStart;
}

function parts(endpoint: string): [container: string, start: number] {
  const at = endpoint.lastIndexOf('-');
  return [endpoint.slice(0, at), Number(endpoint.slice(at + 1))];
}
