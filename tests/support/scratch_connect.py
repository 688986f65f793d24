"""A real Connect worker, standalone: plain HTTP, and HTTPS for clients with a certificate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)

from lab.config import Settings
from lab.embedded.broker import LIGHT_JVM, render_properties
from lab.embedded.fetching import outfitter
from lab.embedded.process import ProcessSpec, kill_all, spawn
from lab.errors import LabError
from lab.readiness import prove_connect

from .ports import next_port

_STORE_PASSWORD = "store-secret"
_JSON = "org.apache.kafka.connect.json.JsonConverter"


@dataclass(frozen=True)
class Worker:
    """The URLs of the two listeners."""

    url: str
    mutual_url: str


def _stores(folder: Path, key_file: Path, ca_file: Path) -> dict[str, str]:
    """The worker's web server reads no PEM files."""
    key = load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    own = x509.load_pem_x509_certificate(key_file.read_bytes())
    authority = x509.load_pem_x509_certificate(ca_file.read_bytes())
    secret = BestAvailableEncryption(_STORE_PASSWORD.encode())
    trusted = pkcs12.PKCS12Certificate(authority, b"authority")
    data = {
        "keystore": pkcs12.serialize_key_and_certificates(b"worker", key, own, None, secret),
        "truststore": pkcs12.serialize_java_truststore([trusted], secret),
    }
    settings = {"listeners.https.ssl.key.password": _STORE_PASSWORD}
    for store, content in data.items():
        file = folder / f"{store}.p12"
        file.write_bytes(content)
        prefix = f"listeners.https.ssl.{store}"
        settings[f"{prefix}.type"] = "PKCS12"
        settings[f"{prefix}.location"] = str(file)
        settings[f"{prefix}.password"] = _STORE_PASSWORD
    return settings


@contextmanager
def scratch_connect(folder: Path, bootstrap: str, key_file: str, ca_file: str) -> Iterator[Worker]:
    """Start a worker with its files in ``folder``, give its URLs once it is ready, kill it."""
    outfit = outfitter(Settings.from_env(), ("tools",), quiet=True)()
    folder.mkdir(parents=True)
    made = Worker(f"http://127.0.0.1:{next_port()}", f"https://127.0.0.1:{next_port()}")
    properties = folder / "worker.properties"
    settings = {
        "bootstrap.servers": bootstrap,
        "listeners": f"{made.url},{made.mutual_url}",
        "key.converter": _JSON,
        "value.converter": _JSON,
        "offset.storage.file.filename": str(folder / "offsets"),
        "plugin.discovery": "service_load",
        **_stores(folder, Path(key_file), Path(ca_file)),
        "listeners.https.ssl.client.auth": "required",
    }
    properties.write_text(render_properties(settings))
    main = "org.apache.kafka.connect.cli.ConnectStandalone"
    argv = (str(outfit.java.java), "-Xmx256m", *LIGHT_JVM, "-cp", outfit.class_path("tools"))
    spec = ProcessSpec("connect", (*argv, main, str(properties)))
    child = spawn(spec, instance=f"tests-{folder}", run_dir=folder, log_dir=folder)

    def give_up() -> None:
        if child.exit_code() is not None:
            raise LabError(f"the worker ended:\n{child.log.read_text()[-2000:]}")

    try:
        prove_connect(made.url, timeout_seconds=90, give_up=give_up)
        yield made
    finally:
        kill_all([child.record])
        child.release()
