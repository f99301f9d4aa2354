#!/bin/bash
# Installs the Debian packages that the tests with real peers need, as far as they are missing. Where it cannot (no root, no apt) it
# says exactly what is missing and ends with 1.
set -euo pipefail

missing=()
need() { # need PACKAGE TEST...: the package is missing unless the test passes
  local package=$1
  shift
  if ! "$@" >/dev/null 2>&1; then missing+=("$package"); fi
}
has() { command -v "$1"; }
# sbin is not on every user's path
PATH=$PATH:/usr/sbin:/sbin:/usr/local/go/bin

need default-jdk-headless has javac
need maven has mvn
need zookeeper test -e /usr/share/java/zookeeper.jar -a -e /etc/zookeeper/conf
# Debian's own python, which finds Debian's packages, whatever else is first on the path
need python3-kazoo /usr/bin/python3 -c 'import kazoo.client'
need prometheus has promtool
need python3-pip python3 -m pip --version
need golang-go has go
need etcd-server has etcd
need nghttp2-client has h2load
need redis-server has redis-server
need curl has curl
need iproute2 has ip
need util-linux has unshare
need openssl has openssl

[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "the tests with real peers need: ${missing[*]}" >&2
  if command -v apt-get >/dev/null; then
    echo "install them as root: apt-get install --no-install-recommends ${missing[*]}" >&2
  else
    echo "these are Debian's package names; make install-free targets (demo, test-unit, check) need none of them" >&2
  fi
  exit 1
fi

echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for attempt in 1 2 3; do
  if apt-get update -qq >"$log" 2>&1 && apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    exit 0
  fi
  echo "apt-get failed (try $attempt of 3): $(tail -n 3 "$log" | tr '\n' ' ')" >&2
  sleep 3
done
tail -n 40 "$log" >&2
exit 1
