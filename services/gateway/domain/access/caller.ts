/** Who is at the other end of a connection, by the kernel's word or a verified certificate's, never by the client's. */
export type Caller =
  | { readonly by: 'socket'; readonly uid: number; readonly gid: number; readonly groups: readonly number[]; readonly pid: number }
  /** A certificate that is signed by the configured authority. Without a common name, or with several, it is ''. */
  | { readonly by: 'certificate'; readonly commonName: string; readonly organisationalUnits: readonly string[] }
  /** TCP on loopback without TLS: anybody on this machine. */
  | { readonly by: 'loopback' }
  /** A unix socket whose peer the kernel did not tell. */
  | { readonly by: 'unknown' };

/** As the log names whoever caused a commit: "uid:1000 pid:4711", "cn:alice", "loopback", "local". */
export function actorName(caller: Caller): string {
  return caller.by === 'socket' ? `${identity(caller)} pid:${caller.pid}` : identity(caller);
}

/** The same for all processes and connections of one who asks. */
export function identity(caller: Caller): string {
  switch (caller.by) {
    case 'socket':
      return `uid:${caller.uid}`;
    case 'certificate':
      return `cn:${caller.commonName}`;
    case 'loopback':
      return 'loopback';
    case 'unknown':
      return 'local';
  }
}
