"""Servers beside a lab's own, as its state remembers them."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterable

from lab.embedded import ksqldb
from lab.embedded.components import ksqldb_state_dir
from lab.embedded.process import start_identity
from lab.embedded.state import AddedKsqldb, LabFolder, LabState


def new_server(
    state: LabState, service_id: str, properties: tuple[str, ...]
) -> tuple[str, AddedKsqldb]:
    """A name that no component has, and what is to be remembered; it belongs to this process."""
    numbered = (f"{ksqldb.NAME}-{n}" for n in itertools.count(2))
    name = next(candidate for candidate in numbered if candidate not in state.added)
    pid = os.getpid()
    return name, AddedKsqldb(service_id, properties, pid, start_identity(pid) or "")


def orphans(state: LabState) -> tuple[str, ...]:
    """The servers that were added by processes that are gone."""
    return tuple(
        name for name, one in state.added.items() if start_identity(one.owner) != one.owner_started
    )


def forget_added(folder: LabFolder, state: LabState, names: Iterable[str]) -> LabState:
    """Remove the data of added servers that do not run any more, then all memory of them."""
    gone = list(names)
    for name in gone:
        shutil.rmtree(ksqldb_state_dir(folder, name), ignore_errors=True)
    left = state.without(gone)
    if left != state:
        folder.save(left)
    return left
