"""What DESCRIBE and EXPLAIN answer, in human words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text

from lab.shell.drawing import Data, Facts, Listing, counts, type_name


def fields_table(fields: Iterable[Data], source_type: str) -> Listing:
    """Columns with their types; which of them are the key."""
    key = "primary key" if source_type == "TABLE" else "key"
    return Listing(
        ("Column", "Type", "Key"),
        (
            (field["name"], type_name(field["schema"]), key if field.get("type") == "KEY" else "")
            for field in fields
        ),
    )


def source_description(source: Data) -> Iterator[RenderableType]:
    """A stream or table: its columns, where its records are, who reads and writes it."""
    kind = source["type"]
    yield Text(f"{kind.capitalize()} {source['name']}", style="bold")
    yield fields_table(source["fields"], kind)
    yield Facts(
        [
            ("topic", source["topic"]),
            ("partitions", source["partitions"] or None),
            ("replication", source["replication"] or None),
            ("key format", source["keyFormat"]),
            ("value format", source["valueFormat"]),
            ("window", source["windowType"]),
            ("timestamp column", source["timestamp"]),
            ("read by", ", ".join(query["id"] for query in source["readQueries"])),
            ("written by", ", ".join(query["id"] for query in source["writeQueries"])),
            ("statement", source["statement"]),
        ]
    )
    for summary in source["queryOffsetSummaries"]:
        yield Text(f"\nConsumer group {summary['groupId']}")
        yield Listing(
            ("Topic", "Partition", "Start", "End", "Committed", "Lag"),
            (
                (
                    topic["kafkaTopic"],
                    at["partition"],
                    at["logStartOffset"],
                    at["logEndOffset"],
                    at["consumerOffset"],
                    at["logEndOffset"] - at["consumerOffset"],
                )
                for topic in summary["topicSummaries"]
                for at in topic["offsets"]
            ),
        )


def query_description(query: Data) -> Iterator[RenderableType]:
    """A running query: what it reads and writes, its plan and its topology."""
    yield Text(f"Query {query['id']}", style="bold")
    yield Facts(
        [
            ("type", query["queryType"]),
            ("sources", ", ".join(query["sources"])),
            ("sinks", ", ".join(query["sinks"])),
            ("status", counts(query["ksqlHostQueryStatus"])),
            ("statement", query["statementText"]),
        ]
    )
    yield fields_table(query["fields"], "STREAM")
    if query["executionPlan"]:
        yield Text("Execution plan", style="bold")
        yield Text(query["executionPlan"].replace("\t", "  "))
    if query["topology"]:
        yield Text("Topology", style="bold")
        yield Text(query["topology"].rstrip())
    for error in query.get("queryErrors") or ():
        yield Text(str(error.get("errorMessage", error)), style="red")


def function_description(data: Data) -> Iterator[RenderableType]:
    """A function: what it does and how it can be called."""
    yield Text(f"{data['type'].capitalize()} function {data['name']}", style="bold")
    yield Text(data["description"])
    for variation in data["functions"]:
        arguments = ", ".join(
            f"{argument['name']} {argument['type']}{'...' if argument['isVariadic'] else ''}"
            for argument in variation["arguments"]
        )
        yield Text(f"  {data['name']}({arguments}) -> {variation['returnType']}")
