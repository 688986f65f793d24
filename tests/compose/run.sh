#!/usr/bin/env bash
# The compose target, tried for real on stand-in images: an engine, the images, the tests that need
# both, and experiments on a lab of containers.
#
#   tests/compose/run.sh [EXPERIMENTS]     what `pytest -k` takes; "all" for every one
#
# Says "not run" and why, exit code 0, where no engine can run; whatever fails after an engine has
# run a container is a failure. All of it together has a time limit: 25 minutes, or
# LAB_COMPOSE_SECONDS; 90 minutes for "all".
set -euo pipefail
cd "$(dirname "$0")/../.."
experiments=${1:-K01 or K03 or K07 or K08 or S01 or S07 or Q06 or Q08 or Q18}
python=.venv/bin/python
work=$(mktemp -d "${TMPDIR:-/tmp}/lab-compose-XXXXXX")

seconds=1500
[ "$experiments" != all ] || seconds=5400
until=$((SECONDS + ${LAB_COMPOSE_SECONDS:-$seconds}))

limited() {
  local left=$((until - SECONDS)) code=0
  [ "$left" -gt 0 ] || left=1
  timeout --foreground --kill-after=60 "$left" "$@" || code=$?
  [ "$code" != 124 ] || echo "no time was left for: $*" >&2
  return "$code"
}

finish() {
  code=$?
  set +e
  [ -d "$work/labs" ] && LAB_STATE_DIR=$work/labs timeout 180 .venv/bin/lab down --all --target compose
  if [ -f "$work/dockerd.pid" ]; then
    engine=$(cat "$work/dockerd.pid")
    kill "$engine"
    timeout 60 tail --pid="$engine" -f /dev/null ||
      kill -9 "$engine" "$(cat "$work/exec/containerd/containerd.pid" 2>/dev/null)"
  fi
  umount "$work"/data/overlay2/*/merged "$work"/exec/netns/* 2>/dev/null
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT

installed=0
reason=$(tests/compose/install_docker.sh "$work") || installed=$?
if [ "$installed" = 3 ]; then
  echo "not run: $reason"
  exit 0
fi
[ "$installed" = 0 ] || exit "$installed"
# shellcheck source=/dev/null
. "$work/env"
limited $python tests/compose/build_images.py --work "$work/images"
set -a
. tests/compose/stand-ins.env
set +a
export LAB_STATE_DIR=$work/labs LAB_RUNS_DIR=${LAB_RUNS_DIR:-runs} LAB_START_TIMEOUT=180
export LAB_ON_DOCKER=1 LAB_HEALTH_INTERVAL=2s TESTCONTAINERS_RYUK_DISABLED=true
unset COMPOSE_PROFILES COMPOSE_PROJECT_NAME LAB_TARGET LAB_NAME

chosen=()
[ "$experiments" = all ] || chosen=(-k "$experiments")
limited .venv/bin/lab up --target compose --name tried
limited .venv/bin/lab verify --target compose --name tried "${chosen[@]}"
limited $python -m pytest tests/compose -q --durations=5
