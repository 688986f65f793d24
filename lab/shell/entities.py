"""Statements' answers in human words: one small function per ``@type`` of ksqlDB's REST API.

Sources: ksqlDB's API reference ("/ksql") and recorded answers of ksqlDB 7.9. An answer of a type
that is not known here, or that is not built as expected, is shown as indented JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from lab.shell.descriptions import (
    function_description,
    query_description,
    source_description,
)
from lab.shell.drawing import Data, as_json, counts, listing, type_name


def render(kind: str, data: Data) -> RenderableType:
    """The answer, fit for a terminal."""
    renderer = _RENDERERS.get(kind)
    if renderer is not None:
        try:
            return Group(*renderer(data))
        except (KeyError, TypeError, AttributeError, ValueError):
            return as_json(data)
    return as_json(data)


def warnings_of(data: Data) -> list[str]:
    """The messages of the answer's warnings."""
    found = data.get("warnings")
    if not isinstance(found, list):
        return []
    return [
        str(item.get("message", item)) if isinstance(item, dict) else str(item) for item in found
    ]


def _current_status(data: Data) -> Iterator[RenderableType]:
    status = data["commandStatus"]
    done = status["status"] in {"SUCCESS", "QUEUED", "PARSING", "EXECUTING", "RUNNING"}
    text = Text(str(status["message"]), style="green" if done else "red")
    if status["status"] != "SUCCESS":
        text.append(f" ({status['status']})")
    query = status.get("queryId")
    if query and query not in text.plain:
        text.append(f" (query {query})")
    yield text


def _sources(rows_key: str, nothing: str) -> Callable[[Data], Iterator[RenderableType]]:
    def renderer(data: Data) -> Iterator[RenderableType]:
        heads = ("Name", "Topic", "Key format", "Value format", "Windowed")
        yield from listing(
            data[rows_key],
            nothing,
            heads,
            lambda row: (
                row["name"],
                row["topic"],
                row["keyFormat"],
                row["valueFormat"],
                "yes" if row["isWindowed"] else "no",
            ),
        )

    return renderer


def _topics(data: Data) -> Iterator[RenderableType]:
    extended = data["@type"] == "kafka_topics_extended"
    heads = ("Topic", "Partitions", "Replicas")
    yield from listing(
        data["topics"],
        "no topics",
        (*heads, "Consumers", "Groups") if extended else heads,
        lambda row: (
            row["name"],
            len(row["replicaInfo"]),
            min(row["replicaInfo"], default=0),
            *((row["consumerCount"], row["consumerGroupCount"]) if extended else ()),
        ),
    )


def _queries(data: Data) -> Iterator[RenderableType]:
    yield from listing(
        data["queries"],
        "no queries",
        ("Query", "Type", "State", "Sink", "Sink topic", "Statement"),
        lambda row: (
            row["id"],
            row["queryType"],
            row.get("state") or counts(row.get("statusCount") or {}),
            ", ".join(row["sinks"]),
            ", ".join(row["sinkKafkaTopics"]),
            " ".join(row["queryString"].split()),
        ),
    )


def _properties(data: Data) -> Iterator[RenderableType]:
    yield from listing(
        sorted(data["properties"], key=lambda row: str(row["name"])),
        "no properties",
        ("Property", "Value", "Scope", "Level"),
        lambda row: (row["name"], row["value"], row.get("scope"), row.get("level")),
    )


def _functions(data: Data) -> Iterator[RenderableType]:
    yield from listing(
        sorted(data["functions"], key=lambda row: str(row["name"])),
        "no functions",
        ("Function", "Type", "Category"),
        lambda row: (row["name"], row["type"], row.get("category")),
    )


def _types(data: Data) -> Iterator[RenderableType]:
    rows = [{"name": name, "schema": schema} for name, schema in data["types"].items()]
    heads = ("Name", "Type")
    yield from listing(rows, "no types", heads, lambda row: (row["name"], type_name(row["schema"])))


def _variables(data: Data) -> Iterator[RenderableType]:
    yield from listing(
        data["variables"],
        "no variables",
        ("Variable", "Value"),
        lambda row: (row["name"], row["value"]),
    )


def _warning(data: Data) -> Iterator[RenderableType]:
    yield Text(str(data["message"]), style="yellow")


def _each(
    rows_key: str, renderer: Callable[[Data], Iterator[RenderableType]], nothing: str
) -> Callable[[Data], Iterator[RenderableType]]:
    def render_all(data: Data) -> Iterator[RenderableType]:
        for index, row in enumerate(data[rows_key]):
            if index:
                yield Text()
            yield from renderer(row)
        if not data[rows_key]:
            yield Text(nothing, style="dim")

    return render_all


_RENDERERS: dict[str, Callable[[Data], Iterator[RenderableType]]] = {
    "currentStatus": _current_status,
    "describe_function": function_description,
    "function_names": _functions,
    "kafka_topics": _topics,
    "kafka_topics_extended": _topics,
    "properties": _properties,
    "queries": _queries,
    "queryDescription": lambda data: query_description(data["queryDescription"]),
    "query_descriptions": _each("queryDescriptions", query_description, "no queries"),
    "sourceDescription": lambda data: source_description(data["sourceDescription"]),
    "source_descriptions": _each("sourceDescriptions", source_description, "none"),
    "streams": _sources("streams", "no streams"),
    "tables": _sources("tables", "no tables"),
    "type_list": _types,
    "variables": _variables,
    "warning_entity": _warning,
}
