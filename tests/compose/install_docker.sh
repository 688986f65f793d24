#!/usr/bin/env bash
# Puts a Docker engine and Compose v2 onto a Debian machine, into the folder $1 where that can be.
#
#   tests/compose/install_docker.sh FOLDER
#
# Leaves FOLDER/env, to be sourced: DOCKER_HOST, DOCKER_CONFIG. An engine that answers already is
# left alone. The engine has run a container before this says that it is there. Where it cannot be
# done the reason is the one line on standard output, exit code 3; every step has a time limit.
set -euo pipefail
folder=$1
mkdir -p "$folder/config/cli-plugins"

cannot() {
  echo "$1"
  exit 3
}

last_line() {
  grep -v -e level=info -e '^[[:space:]]*$' -e "^See '" -e "^Run '" "$1" | tail -1 || true
}

answers() {
  timeout 20 docker info >/dev/null 2>&1
}

has_compose() {
  timeout 20 docker compose version >/dev/null 2>&1
}

limited_apt() {
  local seconds=$1
  shift
  DEBIAN_FRONTEND=noninteractive timeout --kill-after=10 "$seconds" apt-get -qq \
    -o DPkg::Lock::Timeout=60 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@" </dev/null
}

debian_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null |
    sort -u | head -1 || true
}

# A container of two files: that an engine answers does not mean that it may start one.
starts_containers() {
  local libraries
  mapfile -t libraries < <(ldd /bin/true | grep -o '/[^ ]*')
  tar -C / -chf - bin/true "${libraries[@]#/}" |
    timeout 60 docker import - lab-stand-in/probe:latest >/dev/null &&
    timeout 60 docker run --rm --memory 64m --publish 127.0.0.1::80 lab-stand-in/probe:latest /bin/true
}

if answers && has_compose; then
  starts_containers >"$folder/probe.log" 2>&1 ||
    cannot "the Docker engine here starts no container: $(last_line "$folder/probe.log")"
  : >"$folder/env"
  exit 0
fi
[ "$(uname -s)" = Linux ] || cannot "no Docker engine answers, and this is not Linux"
[ "$(id -u)" = 0 ] || cannot "no Docker engine answers, and only root could start one"
command -v apt-get >/dev/null || cannot "no Docker engine answers, and there is no apt to install one"

if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
  { limited_apt 120 update && limited_apt 420 -y --no-install-recommends install \
    docker.io iptables; } >"$folder/apt.log" 2>&1 ||
    cannot "docker.io cannot be installed: $(last_line "$folder/apt.log")"
  hash -r
fi
command -v dockerd >/dev/null || cannot "docker.io is installed, and there is no dockerd"

export DOCKER_CONFIG=$folder/config DOCKER_HOST=unix://$folder/docker.sock
unset DOCKER_CONTEXT DOCKER_TLS_VERIFY
if ! has_compose; then
  # Debian 12 has Compose 1 only; the plug-in of Debian 13 is one static program.
  mirror=$(debian_mirror)
  if [ -z "$mirror" ]; then
    limited_apt 120 update >"$folder/apt.log" 2>&1 || true
    mirror=$(debian_mirror)
  fi
  [ -n "$mirror" ] || cannot "apt names no mirror of Debian, from which Compose v2 could come"
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
  echo "deb [signed-by=$key] $mirror trixie main" >"$folder/apt/sources.list"
  options=(-o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache"
    -o APT::Sandbox::User=root -o Acquire::Languages=none)
  (cd "$folder" && limited_apt 180 "${options[@]}" update &&
    limited_apt 180 "${options[@]}" download docker-compose) >"$folder/apt.log" 2>&1 ||
    cannot "Compose v2 cannot be fetched: $(last_line "$folder/apt.log")"
  dpkg-deb -x "$folder"/docker-compose_*.deb "$folder/compose"
  cp "$folder/compose/usr/libexec/docker/cli-plugins/docker-compose" "$folder/config/cli-plugins/"
  has_compose || cannot "the Compose plug-in does not run"
fi

# An engine of our own, ended by its pid; `runs` is true once it has started a container.
runs() {
  rm -rf "$folder/dockerd.pid" "$folder/bin"
  mkdir "$folder/bin"
  if [ "$1" = legacy ]; then
    for name in iptables ip6tables; do
      ln -s "$(command -v "$name-legacy")" "$folder/bin/$name" || return 1
    done
  fi
  shift
  PATH=$folder/bin:$PATH setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/dockerd.pid" --host "$DOCKER_HOST" "$@" >"$folder/dockerd.log" 2>&1 </dev/null &
  local engine=$! until=$((SECONDS + 45))
  while [ "$SECONDS" -lt "$until" ]; do
    kill -0 "$engine" 2>/dev/null || break
    if answers; then
      starts_containers >"$folder/probe.log" 2>&1 && return 0
      why="it starts no container: $(last_line "$folder/probe.log")"
      end "$engine"
      return 1
    fi
    sleep 0.2
  done
  end "$engine"
  why=$(last_line "$folder/dockerd.log")
  return 1
}

end() {
  kill "$1" 2>/dev/null || true
  timeout 20 tail --pid="$1" -f /dev/null || kill -9 "$1" 2>/dev/null || true
}

# Without rules of iptables published ports still work: by the engine's own proxy.
if runs default || runs legacy || runs default --iptables=false --ip6tables=false --ip-masq=false; then
  printf 'export DOCKER_HOST=%q DOCKER_CONFIG=%q\n' "$DOCKER_HOST" "$DOCKER_CONFIG" >"$folder/env"
  exit 0
fi
cannot "dockerd does not run here: ${why:-it said nothing}"
