"""Throw-away Kafka platforms for the test suites of other projects, by testcontainers.

    from lab.testcontainers import LabStack

    with LabStack() as stack:                 # broker, Schema Registry, ksqlDB
        run(stack.endpoints)

``LabStack`` is the lab's compose file as a project of its own; ``KafkaContainer``,
``SchemaRegistryContainer``, ``KsqldbContainer`` and ``ConnectContainer`` are its parts one by one.
Whatever starts is proven ready as the lab proves it, not by a line in a log. Images and versions
are chosen by the variables of the compose file. Settings of testcontainers are honoured: unless
Ryuk is switched off (TESTCONTAINERS_RYUK_DISABLED), it removes what a test process that was killed
has left.
"""

from __future__ import annotations

from lab.testcontainers.pieces import (
    ConnectContainer,
    KafkaContainer,
    KsqldbContainer,
    SchemaRegistryContainer,
)
from lab.testcontainers.stack import LabStack

__all__ = [
    "ConnectContainer",
    "KafkaContainer",
    "KsqldbContainer",
    "LabStack",
    "SchemaRegistryContainer",
]
