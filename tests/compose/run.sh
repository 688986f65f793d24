#!/usr/bin/env bash
# The compose target, tried for real on stand-in images: an engine, the images, the tests that need
# both, and experiments on a lab of containers. Says "not run" and why where there is no engine.
#
#   tests/compose/run.sh [EXPERIMENTS]     what `pytest -k` takes; "all" for every one
set -euo pipefail
cd "$(dirname "$0")/../.."
experiments=${1:-K01 or K03 or K07 or K08 or S01 or S07 or Q03 or Q06 or Q08}
python=.venv/bin/python
work=$(mktemp -d "${TMPDIR:-/tmp}/lab-compose-XXXXXX")

finish() {
  code=$?
  [ -d "$work/labs" ] && LAB_STATE_DIR=$work/labs .venv/bin/lab down --all --target compose || true
  if [ -f "$work/dockerd.pid" ]; then
    engine=$(cat "$work/dockerd.pid")
    kill "$engine" || true
    tail --pid="$engine" -f /dev/null
  fi
  umount "$work"/data/overlay2/*/merged 2>/dev/null || true
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT

if ! reason=$(tests/compose/install_docker.sh "$work"); then
  echo "not run: $reason"
  exit 0
fi
# shellcheck source=/dev/null
. "$work/env"
$python tests/compose/build_images.py --work "$work/images"
set -a
. tests/compose/stand-ins.env
set +a
export LAB_STATE_DIR=$work/labs LAB_RUNS_DIR=${LAB_RUNS_DIR:-runs} LAB_START_TIMEOUT=180
export LAB_ON_DOCKER=1 LAB_HEALTH_INTERVAL=2s TESTCONTAINERS_RYUK_DISABLED=true
unset COMPOSE_PROFILES COMPOSE_PROJECT_NAME

chosen=()
[ "$experiments" = all ] || chosen=(-k "$experiments")
.venv/bin/lab up --target compose --name tried
.venv/bin/lab verify --target compose --name tried "${chosen[@]}"
$python -m pytest tests/compose -q --durations=5
