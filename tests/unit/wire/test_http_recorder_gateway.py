"""The recording proxy's pure rules: targets, headers, its own answers, its arguments."""

from __future__ import annotations

import json
from http import HTTPStatus

import h11
import pytest

from lab import access
from lab.access import HttpAccess
from lab.errors import InvalidSetting
from lab.wire.http_gateway import (
    CannotRelay,
    Upstream,
    answer_to_client,
    end_to_end,
    own_answer,
    request_to_upstream,
    upstream_target,
)
from lab.wire.http_recorder import parse_address, parse_upstream

PREFIX = b"/apis/ccompat/v7"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/", b"/apis/ccompat/v7/"),
        (b"/subjects?deleted=true", b"/apis/ccompat/v7/subjects?deleted=true"),
        (b"/subjects/a%2Fb%20c", b"/apis/ccompat/v7/subjects/a%2Fb%20c"),
        (b"/subjects//x/../y", b"/apis/ccompat/v7/subjects//x/../y"),
        (b"http://registry:8081/config?x=1", b"/apis/ccompat/v7/config?x=1"),
        (b"http://registry:8081", b"/apis/ccompat/v7/"),
        (b"*", b"*"),
    ],
)
def test_target_gets_the_prefix_and_keeps_every_byte(target: bytes, expected: bytes) -> None:
    assert upstream_target(PREFIX, target) == expected


def test_no_prefix_changes_nothing() -> None:
    assert upstream_target(b"", b"/subjects") == b"/subjects"


def test_headers_of_one_connection_stay_on_it() -> None:
    given = [
        (b"Connection", b"keep-alive, X-Hop"),
        (b"Keep-Alive", b"timeout=5"),
        (b"X-Hop", b"1"),
        (b"TE", b"trailers"),
        (b"Upgrade", b"h2c"),
        (b"Proxy-Authorization", b"Basic eA=="),
        (b"Authorization", b"Basic eA=="),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Length", b"4"),
    ]
    assert end_to_end(given) == [
        (b"Authorization", b"Basic eA=="),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Length", b"4"),
    ]


def test_chunked_wins_over_a_content_length_beside_it() -> None:
    given = [(b"Content-Length", b"4"), (b"transfer-encoding", b"chunked")]
    assert end_to_end(given) == [(b"Transfer-Encoding", b"chunked")]


def test_request_names_the_upstream_and_drops_what_the_proxy_answers_itself() -> None:
    request = h11.Request(
        method="POST",
        target="/compatibility",
        headers=[("Host", "127.0.0.1:8081"), ("Expect", "100-continue"), ("Accept", "*/*")],
    )
    passed = request_to_upstream(request, Upstream("127.0.0.1", 18081, PREFIX))
    assert passed.target == b"/apis/ccompat/v7/compatibility"
    assert list(passed.headers.raw_items()) == [
        (b"Host", b"127.0.0.1:18081"),
        (b"Accept", b"*/*"),
        (b"Via", b"1.1 lab-http-recorder"),
    ]


def test_connect_is_refused() -> None:
    request = h11.Request(method="CONNECT", target="x:1", headers=[("Host", "x:1")])
    with pytest.raises(CannotRelay) as refused:
        request_to_upstream(request, Upstream("127.0.0.1", 1))
    assert refused.value.status is HTTPStatus.NOT_IMPLEMENTED


def test_answer_keeps_status_reason_and_header_spelling() -> None:
    answer = h11.Response(
        status_code=409,
        reason=b"Conflict, really",
        headers=[("Content-TYPE", "application/json"), ("Connection", "close")],
    )
    passed = answer_to_client(answer)
    assert (passed.status_code, passed.reason) == (409, b"Conflict, really")
    assert list(passed.headers.raw_items()) == [(b"Content-TYPE", b"application/json")]


def test_own_answer_is_in_the_registrys_error_style() -> None:
    head, body = own_answer(CannotRelay(HTTPStatus.BAD_GATEWAY, "the upstream is gone"))
    assert head.status_code == 502
    assert json.loads(body) == {"error_code": 50200, "message": "the upstream is gone"}


def test_upstream_of_ipv6_is_bracketed_in_its_authority() -> None:
    assert parse_upstream("http://[::1]:8080/", "/p/") == Upstream("::1", 8080, b"/p")
    assert Upstream("::1", 8080).authority == "[::1]:8080"


def test_upstream_without_a_port_is_at_port_80() -> None:
    found = parse_upstream("http://registry", "")
    assert (found.authority, found.tls) == ("registry:80", None)


def test_upstream_with_tls_is_checked_by_the_authority_that_is_known_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(access.VARIABLE, raising=False)
    found = parse_upstream("https://registry", "")
    assert found.authority == "registry:443"
    assert found.tls is not None
    access.remember_http("https://registry", HttpAccess(ca_file="/none.pem"))
    try:
        with pytest.raises(InvalidSetting, match="certificates cannot be used"):
            parse_upstream("https://registry:443", "")
    finally:
        access.forget_all()


@pytest.mark.parametrize(
    "url", ["registry:8080", "ftp://registry", "http://a/b", "http://u:p@a:1", "http://a:x"]
)
def test_upstream_that_is_no_http_root_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match="--upstream"):
        parse_upstream(url, "")


@pytest.mark.parametrize("prefix", ["apis", "/a b", "/a?b", "/a#b", "/é", "/a\n"])
def test_prefix_that_is_no_path_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidSetting, match="--prefix"):
        parse_upstream("http://a:1", prefix)


@pytest.mark.parametrize("address", ["8081", ":8081", "host:", "host:70000", "::1:80", "host:²"])
def test_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(InvalidSetting, match="--listen"):
        parse_address("--listen", address)


def test_address_of_ipv6() -> None:
    assert parse_address("--listen", "[::1]:8081") == ("::1", 8081)
