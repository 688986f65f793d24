"""The server fixtures of the integration tests, for these tests too."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_PATH = Path(__file__).parents[2] / "integration" / "ksqldb" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("ksqldb_server_fixtures", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_FIXTURES = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _FIXTURES
_SPEC.loader.exec_module(_FIXTURES)

bootstrap = _FIXTURES.bootstrap
classpath = _FIXTURES.classpath
build_dir = _FIXTURES.build_dir
make_server = _FIXTURES.make_server
