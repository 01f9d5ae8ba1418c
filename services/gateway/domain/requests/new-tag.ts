/** At the end, behind the last slash: a port is followed by one. */
const TAG = /:[^/]*$/;

/** What `repo` and `tag` of a request name, "repository:tag". `tag` counts before one in `repo` (moby, api/server/httputils/form.go, RepoTagReference); neither is "latest". */
export function newTag(repository: string, tag: string | undefined): string {
  if (tag) return `${repository.replace(TAG, '')}:${tag}`;
  return TAG.test(repository) ? repository : `${repository}:latest`;
}
