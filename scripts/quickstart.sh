#!/usr/bin/env bash
# From a fresh Debian 12 to a cluster that runs examples/hello: installs what is missing, builds, starts the cluster,
# applies the example, shows its page. A second run goes on with what is there.
#   DATA_DIR=/var/lib/coxswain   where the cluster is kept
#   PORT=6443                    port of the API server
#   TIMEOUT=300                  seconds to wait for each step
#   COXSWAIN=…                   a binary that is built already
#   KUBECTL=…                    the kubectl to use instead of our own
set -euo pipefail
cd "$(dirname "$0")/.."

data_dir=${DATA_DIR:-/var/lib/coxswain}
port=${PORT:-6443}
timeout=${TIMEOUT:-300}
kubeconfig=$data_dir/server/admin.conf

step() { printf '%5d s  %s\n' "$SECONDS" "$*"; }
fail() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || fail "a node needs root: sudo scripts/quickstart.sh"

build() {
  if [ -n "${COXSWAIN:-}" ]; then
    coxswain=$(realpath "$COXSWAIN")
    return
  fi
  step "building (build/release/coxswain)"
  mkdir -p build
  scripts/build.sh release coxswain coxswain-cni >build/quickstart.log 2>&1 || {
    tail -n 30 build/quickstart.log >&2
    fail "the build failed; all of its output is in build/quickstart.log"
  }
  coxswain=$PWD/build/release/coxswain
}

# Our own command line, under the name by which everybody calls it.
find_kubectl() {
  kubectl=${KUBECTL:-}
  [ -z "$kubectl" ] || return 0
  kubectl=$(dirname "$coxswain")/kubectl
  ln -sfn "$(basename "$coxswain")" "$kubectl"
}

k() { "$kubectl" --kubeconfig "$kubeconfig" "$@"; }

# Where a cluster runs already its images are loaded into it; a new one loads the folder when it starts.
load_image() {
  local folder=$data_dir/agent/images socket=$data_dir/agent/containerd/containerd.sock
  mkdir -p "$folder"
  examples/hello/make-image.sh "$folder/hello.tar"
  if [ -S "$socket" ] && ctr -a "$socket" version >/dev/null 2>&1; then
    ctr -a "$socket" -n k8s.io images import "$folder/hello.tar" >/dev/null
  fi
}

# wait_for WHAT COMMAND…: shows what progress prints, until COMMAND succeeds
wait_for() {
  local what=$1 until=$((SECONDS + timeout)) last='' now
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || {
      k get pods -l app=hello -o wide || true
      k get events --sort-by=.lastTimestamp 2>/dev/null | tail -n 15 || true
      fail "in $timeout s there was no $what; logs are in $data_dir/logs"
    }
    now=$(progress)
    [ "$now" = "$last" ] || step "$now"
    last=$now
    sleep 0.5
  done
}

progress() {
  k get pods -l app=hello --no-headers 2>/dev/null |
    awk '{split($2, r, "/"); n++; if (r[1] == r[2]) ready++} END {printf "%d of %d pods are ready", ready, n}'
}

hello_ready() {
  [ "$(k get deployment hello -o 'jsonpath={.status.readyReplicas}/{.spec.replicas}/{.status.observedGeneration}')" = \
    "$(k get deployment hello -o 'jsonpath={.spec.replicas}/{.spec.replicas}/{.metadata.generation}')" ]
}

# With bash alone: /dev/tcp needs no curl.
fetch() {
  page=$(timeout 5 bash -c '
    exec 3<>"/dev/tcp/$1/80" && printf "GET / HTTP/1.0\r\nHost: hello\r\n\r\n" >&3 && cat <&3' fetch "$address" \
    2>/dev/null | sed '1,/^\r*$/d') && [ -n "$page" ]
}

step "installing what is missing"
scripts/install-deps.sh node
build
load_image
step "starting the cluster in $data_dir"
"$coxswain" up --data-dir "$data_dir" --secure-port "$port" --wait "${timeout}s" |
  sed -n '/^ *[0-9.]* s  /p; /already/p'
find_kubectl
step "applying examples/hello"
wait_for "account in the namespace default" k get serviceaccount default -o name >/dev/null
k apply -f examples/hello/hello.yaml
wait_for "ready deployment" hello_ready
step "$(progress)"
address=$(k get service hello -o 'jsonpath={.spec.clusterIP}')
wait_for "page at http://$address/" fetch
printf '\nThe page, through the service hello (http://%s/):\n\n%s\n' "$address" "$page"
cat <<TEXT

The cluster runs. Go on with:

    export KUBECONFIG=$kubeconfig PATH=$(dirname "$kubectl"):\$PATH
    kubectl get pods -A -o wide
    kubectl scale deployment/hello --replicas=5
    kubectl logs deployment/hello
    coxswain down --data-dir $data_dir            # stops everything; --purge removes the data, too

docs/guide.md goes on from here.
TEXT
