/** debian-binary's control file (deb-control(5)). `kib`: what it takes, installed; `libc`: the oldest glibc that it runs on. */
export function controlFile({ version, architecture, kib, libc }) {
  return `Package: berth
Version: ${version}
Architecture: ${architecture}
Maintainer: Berth's authors <berth@localhost>
Installed-Size: ${kib}
Section: admin
Priority: optional
Depends: libc6 (>= ${libc}), libstdc++6, libatomic1, nftables, passwd, util-linux, systemd, ca-certificates, debian-archive-keyring
Recommends: apparmor, bzip2, xz-utils
Suggests: nats-server (>= 2.10.23)
Description: event-sourced container engine behind the Docker Engine API
 The docker CLI and Docker SDKs talk to it unchanged; underneath, every change
 is an event in a log: who did what and why, and the state at any moment.
`;
}
