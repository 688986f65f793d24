"""The fixtures of experiments. Any test may use those that need no claim.

| fixture                               | what it is                                           |
|---------------------------------------|------------------------------------------------------|
| lab, endpoints, capabilities          | the target, where it answers, what it can be asked   |
| kafka, registry, ksqldb               | typed clients; a missing component is *not applicable* |
| topic, subject, source_name, group    | unique names; what is created is removed afterwards  |
| faults                                | kills and restarts, mended afterwards                |
| doors                                 | a recorded way to the registry for each client       |
| servers                               | starts further ksqlDB servers, ended afterwards      |
| cluster                               | several brokers to break; needs the marker "brokers" |
| scale                                 | how much work to do                                  |
| evidence                              | records what the experiment does and sees            |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab.clients.kafka import KafkaClient
    from lab.clients.ksqldb import KsqlClient
    from lab.clients.schema_registry import SchemaRegistryClient
    from lab.endpoints import Capabilities, Endpoints
    from lab.evidence.access import Doors
    from lab.evidence.cluster import Cluster
    from lab.evidence.faults import Faults
    from lab.evidence.names import (
        GroupFactory,
        SourceFactory,
        SubjectFactory,
        TopicFactory,
        UniqueNames,
    )
    from lab.evidence.recorder import Evidence
    from lab.evidence.scale import Scale
    from lab.evidence.servers import Servers
    from lab.targets.base import Target

# The lab is imported within the fixtures: pytest sessions without experiments load none of it.
# ruff: noqa: PLC0415


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Target:
    """The target; a lab is started for the session when none runs."""
    from lab.errors import LabError
    from lab.evidence.session import session_of

    try:
        return session_of(pytestconfig).target()
    except LabError as error:
        hint = f"\n{error.hint}" if error.hint else ""
        pytest.fail(f"no lab to experiment on: {error}{hint}", pytrace=False)


@pytest.fixture(scope="session")
def endpoints(lab: Target) -> Endpoints:
    """Where the components answer."""
    return lab.endpoints()


@pytest.fixture(scope="session")
def capabilities(lab: Target) -> Capabilities:
    """What may be asked of the target."""
    return lab.capabilities()


@pytest.fixture(scope="session")
def kafka(endpoints: Endpoints) -> KafkaClient:
    """A client of the brokers."""
    from lab.clients.kafka import KafkaClient

    return KafkaClient(endpoints.bootstrap_servers)


@pytest.fixture(scope="session")
def registry(endpoints: Endpoints) -> Iterator[SchemaRegistryClient]:
    """A client of the schema registry."""
    from lab.clients.schema_registry import SchemaRegistryClient
    from lab.errors import CapabilityMissing

    if endpoints.schema_registry_url is None:
        raise CapabilityMissing("this target has no schema registry")
    client = SchemaRegistryClient(endpoints.schema_registry_url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def ksqldb(endpoints: Endpoints) -> Iterator[KsqlClient]:
    """A client of the ksqlDB server."""
    from lab.clients.ksqldb import KsqlClient
    from lab.errors import CapabilityMissing

    if endpoints.ksqldb_url is None:
        raise CapabilityMissing("this target has no ksqlDB server")
    with KsqlClient(endpoints.ksqldb_url) as client:
        yield client


@pytest.fixture
def unique(request: pytest.FixtureRequest, lab: Target) -> UniqueNames:
    """Names with a beginning of this test's own; a ledger, where one is kept, has it first."""
    from functools import partial

    from lab.evidence.names import UniqueNames
    from lab.evidence.session import session_of
    from lab.targets.base import KeepsLedger

    marker = request.node.get_closest_marker("claim")
    note = None
    if isinstance(lab, KeepsLedger):
        note = partial(lab.note, run=session_of(request.config).run.path.name)
    prefix = lab.capabilities().name_prefix
    return UniqueNames(marker.args[0] if marker else "test", prefix=prefix, note=note)


@pytest.fixture
def _clean_broker(unique: UniqueNames, kafka: KafkaClient) -> Iterator[None]:
    """Set up before the name factories, so that it cleans after ksqlDB was cleaned."""
    from lab.evidence.names import CleanUp

    yield
    clean_up = CleanUp(unique)
    clean_up.topics_and_groups(kafka)
    clean_up.finish()


@pytest.fixture
def topic(unique: UniqueNames, kafka: KafkaClient, _clean_broker: None) -> TopicFactory:
    """Creates topics with unique names; deletes them afterwards."""
    from lab.evidence.names import TopicFactory

    return TopicFactory(unique, kafka)


@pytest.fixture
def group(unique: UniqueNames, _clean_broker: None) -> GroupFactory:
    """Makes unique names for consumer groups; deletes the groups afterwards."""
    from lab.evidence.names import GroupFactory

    return GroupFactory(unique)


@pytest.fixture
def subject(unique: UniqueNames, registry: SchemaRegistryClient) -> Iterator[SubjectFactory]:
    """Makes unique names for subjects; deletes the subjects afterwards."""
    from lab.evidence.names import CleanUp, SubjectFactory

    factory = SubjectFactory(unique)
    yield factory
    clean_up = CleanUp(unique)
    clean_up.subjects(registry, factory.made)
    clean_up.finish()


@pytest.fixture
def source_name(
    unique: UniqueNames, ksqldb: KsqlClient, _clean_broker: None
) -> Iterator[SourceFactory]:
    """Makes unique names for streams and tables; ends their queries and drops them afterwards."""
    from lab.evidence.names import CleanUp, SourceFactory

    factory = SourceFactory(unique)
    yield factory
    clean_up = CleanUp(unique)
    clean_up.sources(ksqldb, factory.made)
    clean_up.finish()


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> Scale:
    """How much work experiments do."""
    from lab.evidence.scale import scale_of

    return scale_of(pytestconfig)


@pytest.fixture
def faults(lab: Target, evidence: Evidence) -> Iterator[Faults]:
    """Kills, pauses and restarts components of the lab; what is broken is mended afterwards."""
    from lab.evidence.faults import Faults

    made = Faults(lab, evidence)
    yield made
    made.undo()


@pytest.fixture
def servers(
    request: pytest.FixtureRequest,
    lab: Target,
    unique: UniqueNames,
    evidence: Evidence,
    faults: Faults,
    _clean_broker: None,
) -> Iterator[Servers]:
    """Starts ksqlDB servers beside the target's own; they end with the test."""
    from lab.evidence.servers import Servers
    from lab.evidence.session import session_of

    session = session_of(request.config)
    lock = session.platform.session / "servers.lock"
    made = Servers(lab, evidence, unique, faults, lock, session.run.logs)
    yield made
    made.close()


@pytest.fixture
def cluster(
    request: pytest.FixtureRequest, unique: UniqueNames, evidence: Evidence
) -> Iterator[Cluster]:
    """A lab with as many brokers as the marker ``brokers`` says, for this test alone."""
    from lab.evidence.cluster import Cluster
    from lab.evidence.session import needed_brokers, session_of

    session, brokers = session_of(request.config), needed_brokers(request.node)
    found = Cluster(session.target_with(brokers), evidence, unique)
    found.describe(evidence, start_seconds=session.start_seconds.pop(brokers, None))
    yield found
    found.clean_up()


@pytest.fixture
def doors(
    endpoints: Endpoints, capabilities: Capabilities, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Doors]:
    """Opens a recorded way to the registry for each client that gets one."""
    from lab.errors import CapabilityMissing
    from lab.evidence.access import Doors

    if endpoints.schema_registry_url is None:
        raise CapabilityMissing("this target has no schema registry")
    found = Doors(
        endpoints.schema_registry_url,
        tmp_path_factory.mktemp("doors"),
        capabilities.registry_access_log,
    )
    yield found
    found.close()


@pytest.fixture
def evidence(request: pytest.FixtureRequest, lab: Target) -> Evidence:
    """Records what this experiment does and sees."""
    from lab.evidence.session import evidence_of, session_of

    found = evidence_of(request.node)
    if found is None:
        pytest.fail("evidence belongs to a claim: mark the test with @claim(…)", pytrace=False)
    session_of(request.config).describe_environment(lab)
    return found
