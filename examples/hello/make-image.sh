#!/usr/bin/env bash
# Makes the image of this example, coxswain.local/hello:1, out of Debian's busybox-static: no registry is needed.
#   examples/hello/make-image.sh OUT.tar
set -euo pipefail
out=$(realpath "$1")
cd "$(dirname "$0")/../.."
# A shell in front of the server, because the first process of a container hears of SIGTERM only if it asks to.
exec python3 test/e2e/images.py "$out" --name coxswain.local/hello:1 --entrypoint=sh --entrypoint=-c \
  --cmd='trap exit TERM; httpd -f -v -p 8080 -h /www & wait'
