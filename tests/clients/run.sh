#!/bin/bash
# Other people's clients against a server that runs: tests/clients/run.sh http://127.0.0.1:8088
# Installs them from PyPI and npm into a folder of its own. Each line is "ok <client> <call>"; the
# exit code is 1 if one failed. Without node the npm clients are reported as not run.
set -u
url=${1:?usage: run.sh URL}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

python_client() {  # NAME PACKAGE…
  local name=$1; shift
  python3 -m venv "$work/$name" && "$work/$name/bin/pip" install --quiet --disable-pip-version-check "$@" \
    && "$work/$name/bin/python" "$here/pypi_$name.py" "$url" || { echo "FAILED $name"; failed=1; }
}

python_client ksqldb ksqldb==1.0.1 httpx
python_client ksqldb_client ksqldb-client==0.28.2a2 'httpx[http2]' pydantic
# This client asks httpx for an argument that 0.28 took away.
python_client ksql ksql-python-ng==0.29.0.1 'httpx[http2]<0.28'

if command -v npm > /dev/null; then
  npm install --silent --prefix "$work/npm" ksqldb-client@1.0.5 ksqldb-js@1.1.2 > /dev/null \
    && NODE_PATH="$work/npm/node_modules" node "$here/npm_clients.js" "$url" || { echo "FAILED npm"; failed=1; }
else
  echo "not run: ksqldb-client, ksqldb-js (no npm here)"
fi
exit $failed
