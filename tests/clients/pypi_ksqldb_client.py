"""PyPI's ksqldb-client, unchanged, against the server at the URL that is given.

Its ``query_stream`` expects the form of ``/query`` without asking for it, its ``status`` a query
id where null is right: the recorded answers of ksqlDB do not fit them either. They are not called.
"""
# ruff: noqa: T201

import sys
import uuid
import warnings

from ksqldb_client import KSqlDBClient  # type: ignore[import-not-found] # installed by run.sh


def main(url: str) -> None:
    """Every call that it has but two."""
    client = KSqlDBClient(url)
    name = f"C{uuid.uuid4().hex[:8].upper()}"
    assert client.info().ksql_server_info.server_status == "RUNNING"
    print("ok ksqldb-client info")
    made = client.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, n INT) "
        f"WITH (kafka_topic='{name}', value_format='JSON', partitions=1);"
    )
    assert made.root[0].command_status.status == "SUCCESS", made
    client.ksql(f"INSERT INTO {name} VALUES ('a', 1);")
    assert name in [s.name for s in client.ksql("SHOW STREAMS;").root[0].streams]
    print("ok ksqldb-client ksql")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        earliest = {"auto.offset.reset": "earliest"}
        query = f"SELECT * FROM {name} EMIT CHANGES LIMIT 1;"
        found = client.query(query, stream_properties=earliest)
    assert found[1].row.columns == ("a", 1), found
    print("ok ksqldb-client query")


main(sys.argv[1])
