"""PyPI's ksqldb, unchanged, against the server at the URL that is given."""
# ruff: noqa: T201

import asyncio
import sys
import uuid
from typing import Any

from ksqldb import KSQLdbClient  # type: ignore[import-not-found] # installed by run.sh


async def pushed(client: Any, name: str) -> list[Any]:
    """The rows of a push query of two."""
    query = f"SELECT * FROM {name} EMIT CHANGES LIMIT 2;"
    found = client.query_async(query, {"auto.offset.reset": "earliest"})
    return [row async for row in found]


def main(url: str) -> None:
    """Every call that it has."""
    client = KSQLdbClient(url)
    name = f"C{uuid.uuid4().hex[:8].upper()}"
    assert client.get_properties()
    print("ok ksqldb get_properties")
    client.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, n INT) "
        f"WITH (kafka_topic='{name}', value_format='JSON', partitions=1);"
    )
    client.ksql(f"INSERT INTO {name} VALUES ('a', 1);")
    print("ok ksqldb ksql")
    acknowledged = client.inserts_stream(name, [{"id": "x", "n": 5}, {"id": "y"}])
    assert [a["status"] for a in acknowledged] == ["ok", "ok"], acknowledged
    print("ok ksqldb inserts_stream")
    rows = client.query_sync(f"SELECT * FROM {name};", {"auto.offset.reset": "earliest"})
    assert rows[1:] == [["a", 1], ["x", 5], ["y", None]], rows
    print("ok ksqldb query_sync")
    rows = asyncio.run(pushed(client, name))
    assert rows[1:] == [["a", 1], ["x", 5]], rows
    print("ok ksqldb query_async")


main(sys.argv[1])
