#!/bin/sh
# Installs Debian packages where that can be done without a question; says why where it cannot.
set -u
if ! command -v apt-get >/dev/null 2>&1; then
  echo "apt-get is not here: install $* by hand" >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  as_root="sudo -n"
else
  echo "not root, and no sudo without a password: install $* by hand" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# The tests make a cluster of their own: Debian need not make one that starts with the machine.
no_cluster=/etc/postgresql-common/createcluster.d/fhirhub-tests.conf
if [ "$*" = postgresql ] && [ ! -e /etc/postgresql-common ]; then
  $as_root mkdir -p "${no_cluster%/*}"
  echo "create_main_cluster = false" | $as_root tee "$no_cluster" >/dev/null
  trap '$as_root rm -f "$no_cluster"' EXIT
fi
install() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; }
install "$@" >/dev/null 2>&1 || { $as_root apt-get update -q >/dev/null && install "$@" >/dev/null; }
