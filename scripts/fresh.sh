#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a command as a newcomer would: in a clone of HEAD on a bare Debian 12 that holds nothing but make and git.
#   fresh.sh [-k] COMMAND...     e.g.  fresh.sh make demo      fresh.sh make demo test
# Lays the bare system once with debootstrap, from this machine's own package sources, and works on a copy of it, with a
# CUDA toolkit of this machine mounted read-only at /usr/local/cuda. Exits with the command's status.
#   -k                   keep the copy afterwards and say where it is
#   FRESH_BASE=DIR       where the bare system is kept (default: fresh-base-bookworm in the temporary folder)
#   FRESH_SHARED=DIR     is laid beside the clone as ../shared, read-only
#   FRESH_CUDA=DIR       the toolkit; empty: none (default: this machine's, where there is one)
# Needs root. 125: the system could not be laid.
set -euo pipefail

keep=
[[ ${1:-} == -k ]] && { keep=1; shift; }
if (($# == 0)); then
  sed -n '3,13s/^# \?//p' "$0"
  exit 2
fi

give_up() {
  echo "fresh: $1" >&2
  exit 125
}
((EUID == 0)) || give_up "needs root"

repository=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
base=${FRESH_BASE:-${TMPDIR:-/tmp}/fresh-base-bookworm}
cuda=${FRESH_CUDA-$("$repository/scripts/cuda_toolkit.sh" || true)}

# The package mirror that this machine uses, if it is a Debian.
mirror() {
  grep -hoE '^(URIs:|deb ).*' /etc/apt/sources.list /etc/apt/sources.list.d/*debian* 2>/dev/null |
    grep -oE 'https?://[^ ]+' | grep -v security | head -n 1 || true
}

# Mirrors fail now and then: three tries, each from nothing.
lay_base() {
  command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq debootstrap; } >/dev/null 2>&1 ||
    give_up "debootstrap cannot be installed"
  local try
  for try in 1 2 3; do
    rm -rf "$base.new"
    # shellcheck disable=SC2046  # no mirror: no argument
    if debootstrap --variant=minbase --include=ca-certificates,make,git bookworm "$base.new" $(mirror) >"$base.log" 2>&1
    then
      cp -a /etc/apt/apt.conf.d/. "$base.new/etc/apt/apt.conf.d/"
      cp -a /etc/ssl/certs/. "$base.new/etc/ssl/certs/" 2>/dev/null || true
      mv "$base.new" "$base"
      return
    fi
    echo "fresh: debootstrap failed (try $try of 3): $(tail -n 1 "$base.log")" >&2
    sleep $((try * 10))
  done
  give_up "no bare system could be laid; see $base.log"
}

[[ -e $base/etc/debian_version ]] || lay_base

root=$(mktemp -d "${TMPDIR:-/tmp}/fresh.XXXXXX")
mounts=()
cleanup() {
  local k
  for ((k = ${#mounts[@]} - 1; k >= 0; --k)); do umount "${mounts[k]}"; done
  if [[ -n $keep ]]; then
    echo "fresh: kept in $root" >&2
  else
    rm -rf --one-file-system "$root"
  fi
}
trap cleanup EXIT

# lay FROM TO OPTIONS...: mounts FROM at TO inside.
lay() {
  local from=$1 to=$root$2
  shift 2
  mkdir -p "$to"
  mount "$@" "$from" "$to"
  mounts+=("$to")
}

cp -a "$base/." "$root/"
lay proc /proc -t proc
lay /dev /dev --bind
lay shm /dev/shm -t tmpfs
[[ -z ${FRESH_SHARED:-} ]] || lay "$FRESH_SHARED" /srv/shared --bind -o ro
if [[ -z $cuda ]]; then
  echo "fresh: without a CUDA toolkit" >&2
else
  lay "$cuda" /usr/local/cuda --bind -o ro
fi
[[ -e $root/etc/resolv.conf ]] || cp /etc/resolv.conf "$root/etc/"
git clone -q "$repository" "$root/srv/project"

# The caller's network settings travel, nothing else of its environment does.
network=()
while IFS= read -r setting; do
  network+=("$setting")
done < <(env | grep -iE '^(https?|no|all)_proxy=|^(SSL_CERT_FILE|PIP_INDEX_URL|PIP_CERT|REQUESTS_CA_BUNDLE)=' || true)
# shellcheck disable=SC2016  # "$@" is the inner shell's
chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  "${network[@]}" bash -c 'cd /srv/project && exec "$@"' fresh "$@" </dev/null
