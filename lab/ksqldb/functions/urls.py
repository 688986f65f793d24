"""Parts of URLs."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "URL_ENCODE_PARAM", "URL", "The text with what URLs do not allow percent-encoded.",
        Way(("VARCHAR input",), "VARCHAR", "Urls.encode"),
    ),
    scalar(
        "URL_DECODE_PARAM", "URL", "The text without its percent-encoding.",
        Way(("VARCHAR input",), "VARCHAR", "Urls.decode"),
    ),
    scalar(
        "URL_EXTRACT_FRAGMENT", "URL", "The part after #, decoded.",
        Way(("VARCHAR input",), "VARCHAR", "Urls.fragment"),
    ),
    scalar(
        "URL_EXTRACT_HOST", "URL", "The host.",
        Way(("VARCHAR input",), "VARCHAR", "Urls.host"),
    ),
    scalar(
        "URL_EXTRACT_PARAMETER", "URL", "The first value of a query parameter, decoded.",
        Way(("VARCHAR input", "VARCHAR paramToFind"), "VARCHAR", "Urls.parameter"),
    ),
    scalar(
        "URL_EXTRACT_PATH", "URL", "The path, decoded.",
        Way(("VARCHAR input",), "VARCHAR", "Urls.path"),
    ),
    scalar(
        "URL_EXTRACT_PORT", "URL", "The port, if it is written.",
        Way(("VARCHAR input",), "INT", "Urls.port"),
    ),
    scalar(
        "URL_EXTRACT_PROTOCOL", "URL", "The scheme.",
        Way(("VARCHAR input",), "VARCHAR", "Urls.protocol"),
    ),
    scalar(
        "URL_EXTRACT_QUERY", "URL", "The query, decoded.",
        Way(("VARCHAR input",), "VARCHAR", "Urls.query"),
    ),
)  # fmt: skip
