/**
 * Columns two spaces apart. Names and commands come from strangers, so control characters are shown as `?`: a container's name must not be able
 * to move the cursor of whoever reads about it.
 */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows.map((row) => row.map(printable))];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

export const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');

/** "2026-01-31 10:02:11.123Z", UTC, of an RFC 3339 time. */
export const shortTime = (time: string): string => {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? time : new Date(ms).toISOString().replace('T', ' ');
};

export const shortId = (id: string): string => id.slice(0, 12);
