#!/usr/bin/env bash
# Puts a Docker engine and Compose v2 onto a Debian machine, into the folder $1 where that can be.
#
#   tests/compose/install_docker.sh FOLDER
#
# Leaves FOLDER/env, to be sourced: DOCKER_HOST, DOCKER_CONFIG. An engine that answers already is
# left alone. Where it cannot be done the reason is the one line on standard output, exit code 3.
set -euo pipefail
folder=$1
mkdir -p "$folder/config/cli-plugins"

cannot() {
  echo "$1"
  exit 3
}

if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
  : >"$folder/env"
  exit 0
fi
[ "$(uname -s)" = Linux ] || cannot "no Docker engine answers, and this is not Linux"
[ "$(id -u)" = 0 ] || cannot "no Docker engine answers, and only root could start one"
command -v apt-get >/dev/null || cannot "no Docker engine answers, and there is no apt to install one"

if ! command -v dockerd >/dev/null; then
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
    --no-install-recommends install docker.io iptables; } >"$folder/apt.log" 2>&1 ||
    cannot "docker.io cannot be installed: $(tail -1 "$folder/apt.log")"
fi

export DOCKER_CONFIG=$folder/config DOCKER_HOST=unix://$folder/docker.sock
if ! docker compose version >/dev/null 2>&1; then
  # Debian 12 has Compose 1 only; the plug-in of Debian 13 is one static program.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sort -u | head -1)
  [ -n "$mirror" ] || cannot "apt names no mirror of Debian, from which Compose v2 could come"
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
  echo "deb [signed-by=$key] $mirror trixie main" >"$folder/apt/sources.list"
  options=(-o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache"
    -o APT::Sandbox::User=root -o Acquire::Languages=none)
  (cd "$folder" && apt-get -qq "${options[@]}" update &&
    apt-get -qq "${options[@]}" download docker-compose) >"$folder/apt.log" 2>&1 ||
    cannot "Compose v2 cannot be fetched: $(tail -1 "$folder/apt.log")"
  dpkg-deb -x "$folder"/docker-compose_*.deb "$folder/compose"
  cp "$folder/compose/usr/libexec/docker/cli-plugins/docker-compose" "$folder/config/cli-plugins/"
  docker compose version >/dev/null 2>&1 || cannot "the Compose plug-in does not run"
fi

# An engine of our own, ended by its pid.
setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/dockerd.pid" \
  --host "$DOCKER_HOST" >"$folder/dockerd.log" 2>&1 </dev/null &
engine=$!
for _ in $(seq 150); do
  if docker info >/dev/null 2>&1; then
    printf 'export DOCKER_HOST=%q DOCKER_CONFIG=%q\n' "$DOCKER_HOST" "$DOCKER_CONFIG" >"$folder/env"
    exit 0
  fi
  kill -0 "$engine" 2>/dev/null || break
  sleep 0.2
done
kill "$engine" 2>/dev/null || true
last=$(grep -v level=info "$folder/dockerd.log" | tail -1 || true)
cannot "dockerd does not run here: ${last:-it said nothing}"
