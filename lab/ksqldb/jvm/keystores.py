"""Java key stores (JKS, PKCS12) as PEM, which is what Python's TLS reads."""

from __future__ import annotations

import base64
import textwrap
from pathlib import Path
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.jvm.errors import translated


def as_pem(path: Path, password: str, key_password: str) -> str:
    """The keys with their chains and the trusted certificates of a store, in that order.

    Raises:
        JavaFault: it is no store, or a password is wrong.
    """
    with translated():
        secret = jpype.JString(password).toCharArray()
        file = jpype.JClass("java.io.File")(str(path))
        store: Any = jpype.JClass("java.security.KeyStore").getInstance(file, secret)
        keys: list[str] = []
        trusted: list[str] = []
        aliases = store.aliases()
        while aliases.hasMoreElements():
            alias = aliases.nextElement()
            if store.isKeyEntry(alias):
                key = store.getKey(alias, jpype.JString(key_password).toCharArray())
                keys.append(_pem("PRIVATE KEY", key.getEncoded()))
                chain = store.getCertificateChain(alias)
                keys += [_pem("CERTIFICATE", c.getEncoded()) for c in chain]
            else:
                trusted.append(_pem("CERTIFICATE", store.getCertificate(alias).getEncoded()))
    return "".join(keys + trusted)


def _pem(kind: str, data: Any) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(bytes(data)).decode(), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"
