#!/usr/bin/env bash
# Runs a program in namespaces of its own (mounts, processes, network, host name) with a folder and a cgroup that are
# its own, and removes all of it afterwards, whatever the program leaves behind and however it ends. Ends with 77
# (skipped) where that cannot be done.
#   private.sh PROGRAM [ARGS…]
#   E2E_DIR     the folder; short, so that sockets fit
#   E2E_CGROUP  name of a cgroup below the root, for everything that is started
#   E2E_BUSYBOX archive of an image with busybox, coxswain.local/busybox:1
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

for program in containerd runc busybox unshare ip; do
  command -v "$program" >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
unshare --mount --pid --net --fork true 2>/dev/null || { echo "skipped: namespaces cannot be made"; exit 77; }

E2E_DIR=$(mktemp -d /tmp/cxe2e.XXXXXX)
E2E_CGROUP=${E2E_DIR##*/}
E2E_BUSYBOX=$E2E_DIR/busybox.tar
export E2E_DIR E2E_CGROUP E2E_BUSYBOX

# rmdir fails while a killed process is not yet gone from its cgroup
remove_cgroups() {
  local dir
  for _ in $(seq 50); do
    dir=$(find /sys/fs/cgroup -depth -type d -path "*/$E2E_CGROUP*" 2>/dev/null || true)
    [ -n "$dir" ] || return 0
    rmdir $dir 2>/dev/null || sleep 0.1
  done
  echo "left behind: $dir"
  return 1
}

cleanup() {
  local status=$?
  trap - EXIT
  trap '' TERM INT HUP # who ends a group of processes sends it twice
  [ -z "${child:-}" ] || kill -KILL "$child" 2>/dev/null || true
  wait 2>/dev/null || true
  remove_cgroups || status=1
  rm -rf --one-file-system "$E2E_DIR"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP

python3 "$here/images.py" "$E2E_BUSYBOX"

# The first process of the namespace is a shell that reaps; with it everything inside ends.
unshare --mount --pid --net --uts --ipc --fork --kill-child --mount-proc --propagation private \
  bash -c 'ip link set lo up && hostname e2e && "$@"; exit $?' bash "$@" &
child=$!
wait "$child"
