/** What dockerd says of a body whose type is not JSON's: Go's package mime looks first whether it is a type at all. */
export function notJsonText(type: string): string {
  const fault = mediaTypeFault(type);
  return fault === undefined ? `unsupported Content-Type header (${type}): must be 'application/json'` : `malformed Content-Type header (${type}): mime: ${fault}`;
}

/** RFC 2045, "token". */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+/;
const PARAMETER = /^;\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:[\w!#$%&'*+.^`|~-]+|"(?:[^"\\]|\\.)*")\s*/;

/** As Go's mime.ParseMediaType; undefined: none. */
function mediaTypeFault(type: string): string | undefined {
  const end = type.indexOf(';');
  const name = (end < 0 ? type : type.slice(0, end)).trim();
  const first = TOKEN.exec(name)?.[0] ?? '';
  if (first === '') return 'no media type';
  if (name === first) return parametersFault(type, end);
  if (name[first.length] !== '/') return 'expected slash after first token';
  const second = TOKEN.exec(name.slice(first.length + 1))?.[0] ?? '';
  if (second === '') return 'expected token after slash';
  return name.length > first.length + 1 + second.length ? 'unexpected content after media subtype' : parametersFault(type, end);
}

function parametersFault(type: string, end: number): string | undefined {
  const names = new Set<string>();
  for (let rest = end < 0 ? '' : type.slice(end).trim(); rest !== '' && rest !== ';'; ) {
    const [parameter, name = ''] = PARAMETER.exec(rest) ?? [];
    if (parameter === undefined) return 'invalid media parameter';
    if (names.has(name.toLowerCase())) return 'duplicate parameter name';
    names.add(name.toLowerCase());
    rest = rest.slice(parameter.length);
  }
  return undefined;
}
