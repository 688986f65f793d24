"""Training runs: a scratch lab is started, used a little and stopped, and each JVM leaves a cache.

``python -m lab.embedded.training`` is what ``lab up`` starts in the background.
"""

from __future__ import annotations

import json
import signal
import sys
from types import FrameType
from typing import NoReturn

from lab.config import Settings
from lab.embedded.aot import prune, training_lock
from lab.embedded.components import endpoints_of
from lab.embedded.fetching import outfitter
from lab.embedded.lifecycle import BACKGROUND, EmbeddedLab, UpOptions, training_lab
from lab.embedded.outfit import Outfit
from lab.embedded.process import ProcessSpec, is_alive, load_records, spawn
from lab.endpoints import Endpoints
from lab.errors import LabError
from lab.wait import wait_until

LOWEST_PRIORITY = 19
STATEMENTS = (
    """CREATE STREAM TRAINING (ID STRING KEY, REGION STRING, AMOUNT DOUBLE)
       WITH (KAFKA_TOPIC='training', VALUE_FORMAT='JSON', PARTITIONS=2);""",
    "INSERT INTO TRAINING (ID, REGION, AMOUNT) VALUES ('a', 'east', 1.5);",
    """CREATE STREAM TRAINING_EAST AS SELECT ID, UCASE(REGION) AS R
       FROM TRAINING WHERE REGION = 'east' EMIT CHANGES;""",
    """CREATE TABLE TRAINING_BY_REGION AS SELECT REGION, COUNT(*) AS N, SUM(AMOUNT) AS S
       FROM TRAINING GROUP BY REGION EMIT CHANGES;""",
    "INSERT INTO TRAINING (ID, REGION, AMOUNT) VALUES ('b', 'east', 2.5);",
    "SHOW TABLES;",
    "DESCRIBE TRAINING_BY_REGION EXTENDED;",
)


def train(settings: Settings, outfit: Outfit) -> bool:
    """Make every start-up cache; False if another process is at it or this Java cannot.

    Raises LabError if the scratch lab fails; nothing of it is left then.
    """
    caches = outfit.aot_caches()
    if not caches:
        return False
    with training_lock(settings.cache_dir) as free:
        if not free:
            return False
        lab = training_lab(settings)
        lab.reset()
        for cache in caches.values():
            cache.draft.unlink(missing_ok=True)
        try:
            result = lab.up(UpOptions(training=True), lambda: outfit)
            exercise(endpoints_of(result.state))
            lab.down()
            adopted = [cache.adopt() for cache in caches.values()]
            prune(settings.cache_dir)
        finally:
            lab.reset()
    return all(adopted)


def exercise(endpoints: Endpoints) -> None:
    """Use what learners use first, so that its classes are in the caches.

    Raises ConditionTimeout if the table's rows do not appear.
    """
    import requests  # noqa: PLC0415 - not needed to start a training in the background

    with requests.Session() as http:
        subject = f"{endpoints.schema_registry_url}/subjects/training-value/versions"
        for fields in ([], [{"name": "added", "type": "string"}]):  # the second is incompatible
            record = {"type": "record", "name": "R", "fields": fields}
            http.post(subject, json={"schema": json.dumps(record)}, timeout=20)
        for statement in STATEMENTS:
            http.post(f"{endpoints.ksqldb_url}/ksql", json=_body(statement), timeout=60)
        pull = "SELECT * FROM TRAINING_BY_REGION WHERE REGION = 'east';"
        wait_until(
            "the training table has a row",
            lambda: (
                '"row"'
                in http.post(f"{endpoints.ksqldb_url}/query", json=_body(pull), timeout=20).text
            ),
            timeout_seconds=60,
            every_seconds=0.2,
        )
        push = "SELECT * FROM TRAINING EMIT CHANGES LIMIT 2;"
        http.post(f"{endpoints.ksqldb_url}/query", json=_body(push), timeout=60)


def _body(statement: str) -> dict[str, object]:
    return {"ksql": statement, "streamsProperties": {"ksql.streams.auto.offset.reset": "earliest"}}


def train_in_background(lab: EmbeddedLab) -> bool:
    """Start a training beside a running lab, at the lowest priority; ``lab down`` ends it.

    False if there is nothing to train.
    """
    outfit = outfitter(lab.settings)()
    if all(cache.exists for cache in outfit.aot_caches().values()):
        return False
    with lab.folder.locked():
        state = lab.state()
        running = load_records(lab.folder.run).get(BACKGROUND)
        if running is not None and is_alive(running):
            return False
        spawn(
            ProcessSpec(BACKGROUND, (sys.executable, "-m", "lab.embedded.training")),
            instance=state.instance,
            run_dir=lab.folder.run,
            log_dir=lab.folder.logs,
            nice=LOWEST_PRIORITY,
        ).release()
    return True


def _end(signum: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def main() -> None:
    """Train, and say how it went in the log."""
    signal.signal(signal.SIGTERM, _end)
    settings = Settings.from_env()
    try:
        done = train(settings, outfitter(settings, quiet=True)())
    except LabError as error:
        print(f"no start-up caches were made: {error}", file=sys.stderr)  # noqa: T201 - a log
        sys.exit(error.exit_code)
    print("start-up caches made" if done else "not all start-up caches were made")  # noqa: T201


if __name__ == "__main__":
    main()
