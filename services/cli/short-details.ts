/** What a person wants of an event's fields: the short ones, without what the other columns say. */
export function shortDetails(details: Readonly<Record<string, unknown>>): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(details)) {
    if (['at', 'container', 'config', 'hostConfig', 'layers', 'imageId', 'mounts', 'path', 'v', 'image', 'configDigest', 'manifestDigest'].includes(key)) continue;
    if (value === '' || value === false || value === null) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    parts.push(`${key}=${text.length > 60 ? `${text.slice(0, 57)}...` : text}`);
  }
  return parts.join(' ');
}
