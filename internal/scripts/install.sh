#!/bin/sh
# Installs what the tests need and this machine lacks, by apt-get as root;
# else says what to install. Services are neither started nor touched: the
# tests run servers of their own.
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin

packages=
# need PACKAGE COMMAND...: one of the commands shows that the package is there.
need() {
	package=$1
	shift
	for command in "$@"; do
		if command -v "$command" >/dev/null; then return; fi
	done
	packages="$packages $package"
}
need gcc gcc cc # the race detector links with it
[ -e /usr/include/stdlib.h ] || packages="$packages libc6-dev"
need redis-server redis-server
need postgresql postgres /usr/lib/postgresql/*/bin/postgres
need mariadb-server mariadbd
need chromium chromium chromium-browser google-chrome
if [ -z "$packages" ]; then exit 0; fi

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "make test needs these Debian packages; install them first:" >&2
	echo "    sudo apt-get install --no-install-recommends$packages" >&2
	exit 1
fi

# Asked by every package before it starts its service: 101 is "do not".
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	trap 'exit 1' INT TERM
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
# shellcheck disable=SC2086 # a list
apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $packages
