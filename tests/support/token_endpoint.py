"""A token endpoint of the tests' own: client credentials in, a signed JWT out; and its keys."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AUDIENCE = "kafka-tests"
ISSUER = "https://tests.invalid"
SCOPE = "kafka"


@dataclass
class TokenEndpoint:
    """Where tokens are had, and where the keys to check them are."""

    client_id: str
    client_secret: str
    port: int = 0
    keys_port: int = 0
    given: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where a client asks, over TLS."""
        return f"https://127.0.0.1:{self.port}/token"

    @property
    def keys_url(self) -> str:
        """Where a broker asks."""
        return f"http://127.0.0.1:{self.keys_port}/keys"


@contextmanager
def token_endpoint(client_id: str, client_secret: str, pem: Path) -> Iterator[TokenEndpoint]:
    """Serve on loopback; ``pem`` holds key and certificate of 127.0.0.1."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    public = {"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256"}
    public |= {"n": _number(numbers.n), "e": _number(numbers.e)}
    made = TokenEndpoint(client_id, client_secret)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

        def do_GET(self) -> None:
            self._say(200, {"keys": [public]})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            user = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {user}":
                self._say(401, {"error": "invalid_client"})
            elif form.get("scope", [SCOPE]) != [SCOPE]:
                self._say(400, {"error": "invalid_scope"})
            else:
                made.given.append(_signed(key, client_id))
                told = {"access_token": made.given[-1], "token_type": "Bearer", "expires_in": 900}
                self._say(200, told)

        def _say(self, status: int, data: dict[str, Any]) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    servers[0].socket = context.wrap_socket(servers[0].socket, server_side=True)
    made.port, made.keys_port = (server.server_address[1] for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def _signed(key: rsa.RSAPrivateKey, subject: str) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "scope": SCOPE}
    claims |= {"iat": now, "exp": now + 900}
    head = {"alg": "RS256", "typ": "JWT", "kid": "one"}
    text = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_base64(signature)}"


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
