#!/bin/bash
# A real S3 server for tests: Ceph RADOS Gateway from Debian's packages, unpacked into a cache folder.
# Nothing is installed into the system, nothing listens beyond loopback, and objects live in memory only.
#
#   scripts/ceph-rgw.sh start [PORT]   default 7480; PORT + 1 is taken by Ceph's monitor
#   scripts/ceph-rgw.sh stop
#   scripts/ceph-rgw.sh status         exit code 0 when it answers
#
# DATAPLUG_CACHE   folder for packages, unpacked files and logs; default .cache, `ceph` is created in it
# DATAPLUG_S3_KEY, DATAPLUG_S3_SECRET   credentials of the one user; default TESTKEY and TESTSECRET
set -euo pipefail
export LC_ALL=C

cache=${DATAPLUG_CACHE:-.cache}/ceph
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
root=$cache/root
state=$cache/state
key=${DATAPLUG_S3_KEY:-TESTKEY}
secret=${DATAPLUG_S3_SECRET:-TESTSECRET}
packages='radosgw ceph-mon ceph-osd ceph-common'

fail() {
  echo "ceph-rgw: $*" >&2
  exit 1
}

unpack() {
  [ -e "$root/.complete" ] && return
  command -v apt-get >/dev/null || fail "apt-get is needed to fetch the packages ($packages)"
  command -v dpkg >/dev/null || fail 'dpkg is needed to unpack the packages'
  command -v curl >/dev/null || fail 'curl is needed to see whether the server answers'
  echo "ceph-rgw: fetching $packages into $cache" >&2
  rm -rf "$root" "$cache/debs"
  mkdir -p "$root" "$cache/debs"
  # A fresh image has no package lists; updating them needs root, and fails harmlessly offline.
  if [ "$(id -u)" = 0 ]; then
    apt-get -qq update >"$cache/apt.log" 2>&1 || echo 'ceph-rgw: apt-get update failed, trying with the lists at hand' >&2
  fi
  local missing
  # shellcheck disable=SC2086
  missing=$(apt-get install -s --no-install-recommends $packages 2>>"$cache/apt.log" | awk '/^Inst/ { print $2 }')
  # Packages that are already installed are not listed, so an empty answer means that all of them are.
  if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    (cd "$cache/debs" && apt-get download $missing >>"$cache/apt.log" 2>&1) ||
      fail "the packages could not be fetched; see $cache/apt.log"
    local deb
    for deb in "$cache"/debs/*.deb; do dpkg -x "$deb" "$root"; done
  elif ! command -v radosgw >/dev/null; then
    fail "apt knows no package of: $packages; see $cache/apt.log"
  fi
  rm -rf "$cache/debs"
  touch "$root/.complete"
}

environment() {
  local arch
  arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")
  lib=$root/usr/lib/$arch
  [ -d "$lib/ceph" ] || lib=/usr/lib/$arch
  export LD_LIBRARY_PATH=$root/usr/lib/$arch:$root/usr/lib/$arch/ceph:$root/usr/lib/ceph:$root/lib/$arch
  export PYTHONPATH=$root/usr/lib/python3/dist-packages
  export PATH=$root/usr/bin:$root/usr/sbin:$PATH
  export CEPH_CONF=$state/ceph.conf
  radosgw --version >/dev/null 2>"$cache/radosgw.log" || fail "radosgw does not run: $(head -n 1 "$cache/radosgw.log")"
}

# Only processes that this script started: the pid file's process must still be one of Ceph's.
running() {
  local file pid
  for file in "$state"/run/*.pid; do
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    case $(cat "/proc/$pid/comm" 2>/dev/null) in ceph-mon | ceph-osd | radosgw) echo "$pid" ;; esac
  done
}

stop() {
  local pids i
  pids=$(running)
  [ -n "$pids" ] || return 0
  # All data is in memory and thrown away, so there is nothing that a gentle end would save.
  # shellcheck disable=SC2086
  kill -KILL $pids 2>/dev/null || true
  for i in $(seq 100); do
    [ -n "$(running)" ] || return 0
    sleep 0.1
  done
  fail "processes do not end: $(running | tr '\n' ' ')"
}

configure() {
  local port=$1
  rm -rf "$state"
  mkdir -p "$state"/{run,log,mon,osd}
  # Gotchas: `mon client mode = crc` because there is no authentication between the parts; no admin
  # sockets, whose paths are limited to 107 bytes; tcp_nodelay, else every GET waits 44 ms (Nagle).
  cat >"$CEPH_CONF" <<CONF
[global]
fsid = 7c6f9c1a-7a5c-4b4e-9d3a-0f1a2b3c4d5e
run dir = $state/run
admin socket =
pid file = $state/run/\$name.pid
log file = $state/log/\$name.log
crash dir = $state/log
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms bind ipv6 = false
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 2000
mon data avail crit = 1
mon initial members = 0
mon host = 127.0.0.1:$((port + 1))
plugin dir = $lib/ceph
erasure code dir = $lib/ceph/erasure-code
osd class dir = $(dirname "$lib/x")/rados-classes
[mon.0]
mon data = $state/mon
mon addr = 127.0.0.1:$((port + 1))
[osd.0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd data = $state/osd
osd objectstore = memstore
memstore device bytes = 6442450944
[client.rgw.0]
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
keyring = $state/rgw.keyring
CONF
}

# Each step says what it was doing when it fails; the logs stay in $state/log.
step() {
  local name=$1
  shift
  timeout 60 "$@" >>"$state/log/start.log" 2>&1 || fail "$name failed; see $state/log"
}

# curl signs what it is given: without this header RGW computes another signature.
signed_put() {
  curl -sf -o /dev/null --max-time 10 --aws-sigv4 aws:amz:us-east-1:s3 --user "$key:$secret" \
    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -X PUT "$@"
}

put_works() {
  signed_put "http://127.0.0.1:$1/dataplug-probe/" &&
    signed_put --data-binary probe "http://127.0.0.1:$1/dataplug-probe/probe"
}

start() {
  local port=$1 p
  for p in "$port" "$((port + 1))"; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then fail "port $p is in use"; fi
  done
  configure "$port"
  step 'creating the keyring' ceph-authtool --create-keyring "$state/rgw.keyring" --gen-key -n client.rgw.0
  step 'creating the monitor' ceph-mon --id 0 --mkfs --keyring /dev/null
  touch "$state/mon/keyring"
  step 'starting the monitor' ceph-mon --id 0
  step 'registering the OSD' ceph osd create
  step 'placing the OSD' ceph osd crush add osd.0 1 root=default host=localhost
  step 'creating the OSD' ceph-osd --id 0 --mkfs
  step 'starting the OSD' ceph-osd --id 0
  step 'starting the gateway' radosgw -n client.rgw.0 --no-mon-config
  step 'creating the user' radosgw-admin -n client.rgw.0 user create --uid=test --display-name=test \
    "--access-key=$key" "--secret-key=$secret"
  for _ in $(seq 150); do
    if put_works "$port"; then
      echo "ceph-rgw: S3 on http://127.0.0.1:$port ($key / $secret)"
      return
    fi
    sleep 0.2
  done
  fail "the gateway started but takes no PUT; see $state/log"
}

case ${1:-} in
  start)
    unpack
    environment
    stop
    trap 'code=$?; [ $code = 0 ] || stop' EXIT
    start "${2:-7480}"
    ;;
  stop) stop ;;
  status) [ -n "$(running)" ] ;;
  *) fail 'usage: ceph-rgw.sh start [PORT] | stop | status' ;;
esac
