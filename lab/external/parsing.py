"""From a description's data (TOML or variables) to the model, every mistake named by its key."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from lab.access import names_a_secret
from lab.errors import InvalidSetting
from lab.external.model import (
    ALLOWANCES,
    DEFAULT_PREFIX,
    HTTP_SECTIONS,
    MECHANISMS,
    Described,
    HttpPart,
    KafkaPart,
)
from lab.external.secrets import Secret, from_data

_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,30}-")
_SECRETS = frozenset({"password", "key_password", "client_secret", "token"})
_FLAGS = frozenset({"tls", "check_hostname"})
_ALIASES = {"api_key": "user", "api_secret": "password"}
_TOP = ("prefix", "allow", "kafka", *HTTP_SECTIONS)
_OWN_KEYS = ("security.protocol", "bootstrap.servers", "sasl.mechanism", "sasl.mechanisms")


def described(name: str, data: Mapping[str, Any], source: str) -> Described:
    """Check and build a description. Raises InvalidSetting, never with a secret in it."""
    _known_keys("", data, _TOP)
    if "kafka" not in data:
        raise InvalidSetting(
            "kafka.bootstrap_servers",
            "is missing",
            hint='--bootstrap HOST:PORT; in a file: [kafka] bootstrap_servers = "host:9092"',
        )
    parts = {section: _http(section, data[section]) for section in HTTP_SECTIONS if section in data}
    return Described(
        name,
        source,
        _kafka(_table("kafka", data["kafka"])),
        prefix=_prefix(data.get("prefix", DEFAULT_PREFIX)),
        allow=_allow(data.get("allow", [])),
        **parts,
    )


def _kafka(data: Mapping[str, Any]) -> KafkaPart:
    given = _fields("kafka", data, KafkaPart, extra=("settings",))
    servers = given.get("bootstrap_servers")
    if not servers:
        raise InvalidSetting("kafka.bootstrap_servers", "is missing")
    for address in servers.split(","):
        host, colon, port = address.strip().rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise InvalidSetting("kafka.bootstrap_servers", f"{address.strip()!r} is not HOST:PORT")
    given["settings"] = _settings(data.get("settings", {}))
    mechanism = given.get("sasl_mechanism")
    if mechanism is None and "api_key" in data:
        mechanism = given["sasl_mechanism"] = "PLAIN"
        data = {"tls": True, **data}
    if mechanism is not None and mechanism not in MECHANISMS:
        raise InvalidSetting(
            "kafka.sasl_mechanism", f"{mechanism!r} is none of {', '.join(MECHANISMS)}"
        )
    _needs_of("kafka", mechanism, given)
    asked = any(key in given for key in ("ca_file", "certificate_file"))
    if data.get("tls") is False and asked:
        raise InvalidSetting("kafka.tls", "is false, but there are certificates")
    given["tls"] = bool(data.get("tls", asked))
    _pair("kafka", given)
    return KafkaPart(**given)


def _needs_of(section: str, mechanism: str | None, given: Mapping[str, Any]) -> None:
    tokens = ("token_url", "client_id", "client_secret", "scope", "token_ca_file")
    needed: tuple[str, ...] = ("user", "password")
    if mechanism == "OAUTHBEARER":
        needed = tokens[:3]
        url = urlsplit(given.get("token_url", "https://host"))
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise InvalidSetting(f"{section}.token_url", "is no http(s) URL")
        if url.username or url.password:
            raise InvalidSetting(
                f"{section}.token_url",
                "holds a user or a password",
                hint=f"They are {section}.client_id and {section}.client_secret.",
            )
    elif mechanism is None:
        for key in (*needed, *tokens):
            if key in given:
                raise InvalidSetting(
                    f"{section}.sasl_mechanism",
                    f"is missing, but there is {section}.{key}",
                    hint=f"One of {', '.join(MECHANISMS)}.",
                )
        return
    for key in needed:
        if key not in given:
            raise InvalidSetting(f"{section}.{key}", f"is missing; {mechanism} needs it")


def _http(section: str, data: object) -> HttpPart:
    given = _fields(section, _table(section, data), HttpPart)
    url = given.get("url", "")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidSetting(f"{section}.url", "is missing or no http(s) URL")
    if parts.username or parts.password:
        raise InvalidSetting(
            f"{section}.url", "holds a user or a password", hint=f"They belong to {section}.user."
        )
    if ("user" in given) != ("password" in given):
        raise InvalidSetting(f"{section}.user", "and password go together; one is missing")
    if "token" in given and "user" in given:
        raise InvalidSetting(f"{section}.token", "and a user cannot both be used")
    _pair(section, given)
    return HttpPart(**given)


def _pair(section: str, given: Mapping[str, Any]) -> None:
    if "key_file" in given and "certificate_file" not in given:
        raise InvalidSetting(f"{section}.certificate_file", "is missing, but there is a key_file")


def _fields(
    section: str, data: Mapping[str, Any], kind: type, extra: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The section's settings by their names, each of its kind; those of ``extra`` left out."""
    known = {field.name for field in dataclasses.fields(kind)} - set(extra)
    _known_keys(section, data, (*known, *_ALIASES, *extra))
    found: dict[str, Any] = {}
    for key, value in data.items():
        if key in extra:
            continue
        name, setting = _ALIASES.get(key, key), f"{section}.{key}"
        if name in found:
            raise InvalidSetting(setting, f"and {name} mean the same; there are both")
        if name in _SECRETS:
            found[name] = from_data(setting, value)
        elif name in _FLAGS:
            if not isinstance(value, bool):
                raise InvalidSetting(setting, "is neither true nor false")
            found[name] = value
        elif not isinstance(value, str) or not value.strip():
            raise InvalidSetting(setting, "is no text")
        else:
            found[name] = value.strip()
    return found


def _settings(data: object) -> dict[str, str | Secret]:
    found: dict[str, str | Secret] = {}
    for key, value in _table("kafka.settings", data).items():
        setting = f"kafka.settings.{key}"
        if key in _OWN_KEYS:
            raise InvalidSetting(setting, "follows from the other settings of [kafka]")
        if names_a_secret(key) or isinstance(value, Mapping):
            found[key] = from_data(setting, value)
        elif isinstance(value, bool):
            found[key] = str(value).lower()
        elif isinstance(value, str | int | float):
            found[key] = str(value)
        else:
            raise InvalidSetting(setting, "is neither text nor a number")
    return found


def _prefix(value: object) -> str:
    if not isinstance(value, str) or not _PREFIX.fullmatch(value):
        raise InvalidSetting(
            "prefix",
            f"{value!r} cannot begin every name",
            hint='Lower-case letters, digits and "-", a letter first and "-" last: team-lab-',
        )
    return value


def _allow(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidSetting("allow", f"is no list of {', '.join(ALLOWANCES)}")
    for each in value:
        if each not in ALLOWANCES:
            raise InvalidSetting("allow", f"{each!r} is none of {', '.join(ALLOWANCES)}")
    return frozenset(value)


def _table(section: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidSetting(section, f"is no table; write [{section}]")
    return cast("Mapping[str, Any]", value)


def _known_keys(section: str, data: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            where = f"{section}.{key}" if section else key
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(known))}."
            raise InvalidSetting(where, "there is no such setting", hint=hint)
