"""Further ksqlDB servers in a lab of containers: made like the lab's own, told differently.

Compose knows nothing of them; they carry the project's label, so that whatever takes the lab down
takes them down too, and the mark of the process that wanted them.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from typing import Any

from lab.compose.engine import PROJECT_LABEL, SERVICE_LABEL, Engine, translating
from lab.embedded.process import start_identity

OWNER_LABEL = "lab.owner"
MODEL = "ksqldb"
PORT = 8088


def variable(name: str) -> str:
    """The variable that the official images turn into the server property ``name``."""
    marked = name.replace("_", "\0").replace("-", "___").replace(".", "_").replace("\0", "__")
    return f"KSQL_{marked.upper()}"


def environment(
    model: list[str], name: str, service_id: str, properties: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a further server, from those of the lab's own."""
    told = _told(model)
    told["KSQL_KSQL_SERVICE_ID"] = service_id
    told["KSQL_KSQL_ADVERTISED_LISTENER"] = f"http://{name}:{PORT}"
    told.update({variable(key): value for key, value in properties.items()})
    return told


def service_id_of(engine: Engine) -> str:
    """The service id of the lab's own server. Raises LabError if there is none."""
    model = engine.container(MODEL).attrs["Config"]["Env"]
    return _told(model).get("KSQL_KSQL_SERVICE_ID", "default_")


def start(
    engine: Engine, host: str, port: int, service_id: str, properties: Mapping[str, str]
) -> str:
    """Create and start a server that answers on ``port`` of this machine; its name.

    Servers whose processes are gone are removed first. Raises LabError.
    """
    remove_orphans(engine)
    model = engine.container(MODEL)
    taken = engine.containers()
    name = next(n for n in (f"{MODEL}-{i}" for i in itertools.count(2)) if n not in taken)
    config, limits = model.attrs["Config"], model.attrs["HostConfig"]
    with translating():
        network = engine.network()
        made = engine.client.containers.create(
            model.image.id,
            name=f"{engine.project}-{name}-1",
            environment=environment(config["Env"], name, service_id, properties),
            labels={
                PROJECT_LABEL: engine.project,
                SERVICE_LABEL: name,
                "com.docker.compose.oneoff": "False",
                OWNER_LABEL: _mark(os.getpid()),
            },
            ports={f"{PORT}/tcp": (host, port)},
            mem_limit=limits.get("Memory") or None,
            volumes=_mounts(model),
            network=network.name,
        )
        try:
            network.disconnect(made)
            network.connect(made, aliases=[name])
            made.start()
        except BaseException:
            made.remove(force=True, v=True)
            raise
    return name


def remove(engine: Engine, name: str) -> None:
    """Remove a server that was added, running or not, with what it kept. Raises LabError."""
    container = engine.containers().get(name)
    if container is None or OWNER_LABEL not in container.labels:
        return
    with translating():
        container.remove(force=True, v=True)


def remove_orphans(engine: Engine) -> None:
    """Remove the servers that were added by processes that are gone."""
    for container in engine.containers().values():
        mark = container.labels.get(OWNER_LABEL)
        if mark is not None and mark != _mark(int(mark.partition(":")[0])):
            with translating():
                container.remove(force=True, v=True)


def _told(model: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (entry.partition("=") for entry in model)}


def _mark(pid: int) -> str:
    return f"{pid}:{start_identity(pid) or 'gone'}"


def _mounts(container: Any) -> list[str]:
    return [str(mount["Destination"]) for mount in container.attrs.get("Mounts", ())]
