"""Starts the server's parts, in the order that makes it ready soonest, and stops them.

The JVM comes first, for it holds Python up while it starts. Its Kafka client then connects in a
thread, on another core, while Python loads the web stack and the SQL front end.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import ipaddress
import logging
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lab.ksqldb.config import Launch, ServerConfig
from lab.ksqldb.errors import KsqlError, StartError
from lab.ksqldb.jvm import boot, javac
from lab.ksqldb.jvm.connect import Connection
from lab.ksqldb.jvm.threads import JavaCaller
from lab.ksqldb.jvm.versions import kafka_streams
from lab.ksqldb.listeners import Listener
from lab.ksqldb.rest import sockets

_LOG = logging.getLogger(__name__)
# Expressions as deep as the parser lets through are walked by several functions a level.
_RECURSION_LIMIT = 10_000


def serve(config: ServerConfig, launch: Launch) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        StartError: the server cannot start.
    """
    sys.setrecursionlimit(_RECURSION_LIMIT)
    with contextlib.ExitStack() as opened:
        listening = [
            (one, opened.enter_context(sockets.bind(one.host, one.port))) for one in config.bound
        ]
        opened.enter_context(_owned(config.state_dir))
        jar = javac.runtime_jar(launch.build_dir, launch.classpath, launch.java_home)
        options = (*launch.jvm_options, *_allowed(config))
        boot.start(launch.java_home, [jar, *launch.classpath], options)
        connection = Connection(config.client_settings())
        try:
            _serve(config, launch, listening, connection)
        finally:
            connection.stop()
            boot.stop()


def _allowed(config: ServerConfig) -> list[str]:
    """Since Kafka 4.0 clients get tokens from no endpoint that the JVM was not told of."""
    url = config.client_settings().get("sasl.oauthbearer.token.endpoint.url")
    return [] if url is None else [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={url}"]


@contextlib.contextmanager
def _owned(state_dir: Path) -> Iterator[None]:
    """Keep other servers out of a state folder; the kernel gives it back however this one ends.

    Raises:
        StartError: another server has it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"another server keeps its state in {state_dir}: give each node its own"
            ) from None
        yield


def _serve(
    config: ServerConfig,
    launch: Launch,
    bound: Sequence[tuple[Listener, socket.socket]],
    connection: Connection,
) -> None:
    # Loaded here, while the client connects.
    from lab.ksqldb.rest import cross_origin, server, tls  # noqa: PLC0415
    from lab.ksqldb.rest.app import Application  # noqa: PLC0415
    from lab.ksqldb.rest.authentication import protected  # noqa: PLC0415
    from lab.ksqldb.rest.bodies import TakenToTheirEnd  # noqa: PLC0415
    from lab.ksqldb.rest.statements import Statements  # noqa: PLC0415
    from lab.ksqldb.runtime.engine import Engine  # noqa: PLC0415
    from lab.ksqldb.sql.parser import Parser  # noqa: PLC0415

    peer_tls = tls.client_context(config.properties) if config.advertised.secure else None
    engine = Engine(config, Parser(launch.build_dir), launch.begun, peer_tls)
    engine.note("loaded")
    versions = {"kafkaStreamsVersion": kafka_streams()}
    application = Application(engine, versions, Statements(engine))
    guarded = protected(application.asgi(), config.properties)
    # A browser asks whether it may, before it sends who its user is.
    app = TakenToTheirEnd(cross_origin.shared(guarded, config.properties))
    context = tls.context(config.properties) if any(o.secure for o, _ in bound) else None
    listening = [sockets.Listening(s, context if one.secure else None) for one, s in bound]
    idle_seconds = float(config.effective()["ksql.idle.connection.timeout.seconds"])
    _warn_of_strangers(config)
    failures: list[StartError] = []

    def start(failed: Callable[[], None]) -> None:
        try:
            engine.start(connection)
        except KsqlError as error:
            failures.append(StartError(f"cannot start: {error}"))
            failed()
            return
        _LOG.info(
            "ready on %s (service id %s); seconds from the start: %s",
            ", ".join(str(one) for one in config.bound),
            config.service_id,
            ", ".join(f"{what} {seconds:.2f}" for what, seconds in engine.took),
        )
        engine.warm_up()
        # Whenever Java collects, JPype makes Python look at every object it has, which takes as
        # long as many queries do. What is there now stays: it need not be looked at again.
        gc.collect()
        gc.freeze()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        failed = asyncio.Event()
        tell = (lambda: loop.call_soon_threadsafe(failed.set),)
        JavaCaller(target=start, args=tell, name="engine-start", daemon=True).start()
        await server.run(app, listening, failed, idle_seconds)

    asyncio.run(run())
    before_the_end = tuple(failures)  # what fails because of the stop is no failure
    _LOG.info("stopping")
    connection.stop()
    try:
        engine.stop()
    except KsqlError as error:
        _LOG.warning("while stopping: %s", error)
    if before_the_end:
        raise before_the_end[0]


def _warn_of_strangers(config: ServerConfig) -> None:
    if config.properties.get("authentication.method", "NONE").upper() != "NONE":
        return
    for one in config.bound:
        try:
            open_ = not ipaddress.ip_address(one.host).is_loopback
        except ValueError:
            open_ = one.host != "localhost"
        if open_:
            _LOG.warning("%s is open to everybody who reaches it: no authentication", one)
