#!/bin/sh
# In the machine: what Berth needs of Debian and the guest lacks, then the tests, compiled on the host.
set -eu
missing=
for need in nft:nftables ip:iproute2 busybox:busybox-static useradd:passwd setpriv:util-linux apparmor_parser:apparmor; do
	command -v "${need%:*}" >/dev/null || missing="$missing ${need#*:}"
done
if [ -n "$missing" ]; then
	apt-get -q update
	# shellcheck disable=SC2086 # names of packages, one a word
	DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
fi
uname -sr
exec node_modules/node/bin/node node_modules/vitest/vitest.mjs run --reporter=verbose "$@"
