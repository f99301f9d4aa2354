#!/bin/sh
# Runs a command in a network namespace of its own with the addresses 10.77.0.1-6 (Dubbo refuses 127.x; fixed ports disturb nobody).
# The veth pair is there because Dubbo 3.x logs an exception with every line on a machine without a network card.
# Root needs `unshare -n`; others get the same from `unshare -Urn` where the kernel allows user namespaces.
set -eu
if [ "${TRESTLE_NETNS:-}" = 1 ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then how=-n; else how=-Urn; fi
if ! unshare "$how" true 2>/dev/null; then
  echo "cannot make a network namespace (unshare $how): run as root, or allow it by sysctl kernel.unprivileged_userns_clone=1" >&2
  exit 1
fi
export TRESTLE_NETNS=1
exec unshare "$how" sh -c '
  ip link set lo up
  ip link add v0 type veth peer name v1
  ip link set v0 up
  ip link set v1 up
  for i in 1 2 3 4 5 6; do ip addr add 10.77.0.$i/32 dev lo; done
  ip addr add 10.77.0.9/24 dev v0
  exec "$@"' sh "$@"
