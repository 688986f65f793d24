"""The client of the schema registry, against a few lines of HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none
import pytest

pytestmark = pytest.mark.usefixtures("jvm")

ANSWERS: dict[str, tuple[int, Any]] = {
    "GET /schemas/ids/7": (
        200,
        {
            "schemaType": "PROTOBUF",
            "schema": "main",
            "references": [{"name": "a.proto", "subject": "a b", "version": 2}],
        },
    ),
    "GET /subjects/a%20b/versions/2": (
        200,
        {
            "schema": "of a",
            "references": [{"name": "deep.proto", "subject": "d", "version": 1}],
        },
    ),
    "GET /subjects/d/versions/1": (200, {"schema": "deepest"}),
    "GET /subjects/none/versions/latest": (404, {"error_code": 40401, "message": "no subject"}),
    "POST /subjects/clash/versions": (409, {"error_code": 409, "message": "it does not fit"}),
    "POST /subjects/good/versions": (200, {"id": 12}),
    "DELETE /subjects/none": (404, {"error_code": 40401, "message": "no subject"}),
    "GET /subjects/down/versions/latest": (503, {"message": "later"}),
}


class Fake:
    """What was asked, and the address under which it was."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, Any]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            # As registries do: a client that keeps connections must not meet closed ones.
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                what = f"{self.command} {self.path}"
                fake.asked.append((what, self.headers.get("Authorization"), body))
                status, answer = ANSWERS.get(what, (404, {"error_code": 40403, "message": "none"}))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server calls

            def log_message(self, *args: Any) -> None:
                del args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()
    yield made
    made.close()


def client(urls: str, user_info: str | None = None) -> Any:
    settings = jpype.JClass("java.util.HashMap")()
    if user_info is not None:
        settings.put("basic.auth.user.info", user_info)
    return jpype.JClass("lab.ksqldb.registry.Registry")(urls, settings)


def test_a_schema_comes_with_its_references_and_is_asked_for_once(fake: Fake) -> None:
    registry = client(fake.url)
    schema = registry.byId(7)
    assert (str(schema.type()), str(schema.text())) == ("PROTOBUF", "main")
    references = {str(e.getKey()): str(e.getValue()) for e in schema.references().entrySet()}
    assert references == {"a.proto": "of a", "deep.proto": "deepest"}
    assert registry.byId(7) == schema
    assert len(fake.asked) == 3


def test_the_next_address_is_tried_with_the_same_credentials(fake: Fake) -> None:
    registry = client(f"http://127.0.0.1:1, {fake.url}", "me:secret")
    assert registry.latest("none") is None
    assert fake.asked[0][1] == "Basic bWU6c2VjcmV0"


def test_what_was_registered_is_not_sent_again(fake: Fake) -> None:
    registry = client(fake.url)
    assert [registry.register("good", "JSON", "{}") for _ in range(2)] == [12, 12]
    assert [body for _, _, body in fake.asked] == [{"schemaType": "JSON", "schema": "{}"}]


def test_refusals_say_what_the_registry_said(fake: Fake) -> None:
    registry = client(fake.url)
    with pytest.raises(jpype.JException, match="it does not fit; error code: 409"):
        registry.register("clash", "AVRO", '"int"')
    registry.delete("none")
    with pytest.raises(jpype.JException, match="later") as caught:
        registry.latest("down")
    assert caught.value.temporary()


def test_a_registry_that_is_not_there_is_named() -> None:
    with pytest.raises(jpype.JException, match=r"cannot be reached: http://127\.0\.0\.1:1"):
        client("http://127.0.0.1:1").byId(1)
