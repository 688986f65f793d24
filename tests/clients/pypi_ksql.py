"""PyPI's ksql (ksql-python-ng), unchanged, against the server at the URL that is given."""
# ruff: noqa: T201

import sys
import uuid

from ksql import KSQLAPI  # type: ignore[import-not-found] # installed by run.sh


def main(url: str) -> None:
    """The calls that people make most."""
    client = KSQLAPI(url)
    name = f"C{uuid.uuid4().hex[:8].upper()}"
    assert client.get_properties()
    print("ok ksql get_properties")
    client.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, n INT) "
        f"WITH (kafka_topic='{name}', value_format='JSON', partitions=1);"
    )
    for number in range(3):
        client.ksql(f"INSERT INTO {name} VALUES ('a{number}', {number});")
    print("ok ksql ksql")
    query = f"SELECT * FROM {name} EMIT CHANGES LIMIT 2;"
    for http2 in (False, True):
        earliest = {"auto.offset.reset": "earliest"}
        text = "".join(client.query(query, stream_properties=earliest, use_http2=http2))
        assert '["a0",0]' in text, text
        assert '["a1",1]' in text, text
        print(f"ok ksql query {'HTTP/2' if http2 else 'HTTP/1.1'}")
    acknowledged = list(client.inserts_stream(name, [{"ID": "x", "N": 5}]))
    assert acknowledged[0]["status"] == "ok", acknowledged
    print("ok ksql inserts_stream")


main(sys.argv[1])
