import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The keyring of Debian's own archive, part of every Debian. */
export const ARCHIVE_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Addresses of Debian mirrors that this machine's apt uses, best first; mirrors of security updates and of other vendors are left out.
 * Reads both formats of sources.list(5).
 */
export function debianMirrors(aptDirectory = '/etc/apt') {
  const parts = join(aptDirectory, 'sources.list.d');
  const files = [join(aptDirectory, 'sources.list'), ...(existsSync(parts) ? readdirSync(parts).sort().map((name) => join(parts, name)) : [])];
  const entries = files.filter((file) => existsSync(file)).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    if (file.endsWith('.sources')) return deb822Entries(text);
    return file.endsWith('.list') ? oneLineEntries(text) : [];
  });
  return [...new Set(entries.filter(isMainArchive).map((entry) => entry.uri.replace(/\/+$/, '')))];
}

/** Debian's main archive: it has a suite of a release (no "-security"), and `main`. Another vendor's suites have other names. */
function isMainArchive({ uri, suite, components }) {
  return !/security/.test(suite) && !/security/.test(uri) && components.includes('main') && DEBIAN_SUITES.test(suite);
}

const DEBIAN_SUITES = /^(stable|oldstable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)(-updates|-backports|-proposed-updates)?$/;

function deb822Entries(text) {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = {};
    let key;
    for (const line of stanza.split('\n')) {
      if (line.startsWith('#')) continue;
      const field = /^([A-Za-z-]+):(.*)$/.exec(line);
      if (field) fields[(key = field[1].toLowerCase())] = field[2].trim();
      else if (key && /^\s/.test(line)) fields[key] += ` ${line.trim()}`;
    }
    if (!words(fields.types).includes('deb') || /^(no|false|0)$/i.test(fields.enabled ?? '')) return [];
    return words(fields.uris).flatMap((uri) => words(fields.suites).map((suite) => ({ uri, suite, components: words(fields.components) })));
  });
}

function oneLineEntries(text) {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    return match ? [{ uri: match[1], suite: match[2], components: words(match[3]) }] : [];
  });
}

const words = (text) => (text ?? '').split(/\s+/).filter(Boolean);
