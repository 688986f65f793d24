"""A real schema registry for the tests of one process, as the embedded lab has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from lab.embedded import registry
from lab.embedded.outfit import Outfit
from lab.embedded.process import kill_all, spawn
from lab.errors import LabError
from lab.wait import wait_until

from .ports import next_port

READY_SECONDS = 90


@contextmanager
def scratch_registry(outfit: Outfit, folder: Path) -> Iterator[str]:
    """Start a registry with its data in ``folder``, give its URL once it answers, kill it."""
    places = registry.RegistryPlaces(
        "127.0.0.1", next_port(), next_port(), folder / "data", folder / "access.jsonl"
    )
    places.data_dir.mkdir(parents=True)
    caches = outfit.aot_caches()
    server = registry.process_spec(
        places,
        java=outfit.java,
        folder=outfit.registry_dir,
        jvm_options=caches[registry.NAME].use() if caches and registry.NAME in caches else (),
    )
    children = [
        spawn(spec, instance=f"tests-{folder}-{spec.name}", run_dir=folder, log_dir=folder)
        for spec in (server, registry.proxy_spec(places))
    ]

    def give_up() -> None:
        for child in children:
            if child.exit_code() is not None:
                raise LabError(f"the scratch registry ended:\n{child.log.read_text()[-2000:]}")

    try:
        registry.set_default_compatibility(places, timeout_seconds=READY_SECONDS, give_up=give_up)
        wait_until(
            "the registry's proxy answers",
            lambda: requests.get(f"{places.url}/subjects", timeout=5).status_code == 200,
            timeout_seconds=READY_SECONDS,
            every_seconds=0.03,
            give_up=give_up,
            ignore=(requests.RequestException,),
        )
        yield places.url
    finally:
        kill_all([child.record for child in children])
        for child in children:
            child.release()
