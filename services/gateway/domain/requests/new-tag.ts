import { invalid } from '#libs/errors/errors.js';

/** At the end, behind the last slash: a port is followed by one. */
const TAG = /:[^/]*$/;
/** distribution/reference, TagRegexp */
const TAG_FORM = /^\w[\w.-]{0,127}$/;
const ID = /^[a-f0-9]{64}$/;

/** What `repo` and `tag` of a request name, "repository:tag". `tag` counts before one in `repo` (moby, api/server/httputils/form.go, RepoTagReference); neither is "latest". Throws invalid for a name that would be taken for an id. */
export function newTag(repository: string, tag: string | undefined): string {
  if (ID.test(repository)) throw invalid(`invalid repository name (${repository}), cannot specify 64-byte hexadecimal strings`);
  if (tag && !TAG_FORM.test(tag)) throw invalid('invalid tag format');
  if (tag) return `${repository.replace(TAG, '')}:${tag}`;
  return TAG.test(repository) ? repository : `${repository}:latest`;
}
