"""Knocking at a broker's door, layer after layer, so that an error names the layer that failed.

The client library retries for long and tells a refused port, a wrong authority and an expired
certificate apart in its log only. TCP, TLS and ApiVersions, which brokers answer before anybody
has logged in, are therefore tried here first.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Mapping

from lab.access import HttpAccess
from lab.clients.login import receive, tls_context
from lab.errors import LabError
from lab.wire import api_versions
from lab.wire.api_versions import Understands
from lab.wire.errors import DecodeError

CONNECT_SECONDS = 5.0
_OBJECTION_SECONDS = 0.3
_TLS_ALERT = 0x1503
_HTTP = int.from_bytes(b"HTTP", "big")
NEEDED = {
    "IncrementalAlterConfigs": "2.3",
    "InitProducerId": "0.11",
    "DeleteRecords": "0.11",
    "DeleteGroups": "1.1",
}
"""What experiments cannot do without, and the release that brought it."""


class NotReached(LabError):
    """A component of an external target cannot be used; ``layer`` says how far one got."""

    def __init__(self, layer: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.layer = layer


def knock(bootstrap_servers: str, settings: Mapping[str, str]) -> Understands:
    """What the first address that answers understands. Raises NotReached for all of them."""
    problems: list[NotReached] = []
    for address in bootstrap_servers.split(","):
        try:
            return _ask(address.strip(), settings)
        except NotReached as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    raise NotReached(
        problems[0].layer, "; ".join(str(each) for each in problems), hint=problems[0].hint
    )


def require_recent(understands: Understands, bootstrap_servers: str) -> None:
    """Raise NotReached for a broker that is too old for the experiments."""
    lacking = {api: release for api, release in NEEDED.items() if understands.highest(api) is None}
    if lacking:
        names = ", ".join(f"{api} (Kafka {release})" for api, release in lacking.items())
        raise NotReached(
            "version",
            f"the broker at {bootstrap_servers} is too old: it does not understand {names}",
            hint="The lab needs brokers of Apache Kafka 2.3 or newer.",
        )


def check_tls(host: str, port: int, found: HttpAccess) -> None:
    """Knock at an https server. Raises NotReached."""
    settings = {
        "security.protocol": "SSL",
        "ssl.ca.location": found.ca_file or "",
        "ssl.certificate.location": found.certificate_file or "",
        "ssl.key.location": found.key_file or "",
    }
    address = f"{host}:{port}"
    with _connected(address, settings) as connection:
        # A server that does not take the client's certificate, or its lack, says so only now.
        connection.settimeout(_OBJECTION_SECONDS)
        try:
            closed = not connection.recv(1)
        except TimeoutError:
            return
        except ssl.SSLError as error:
            raise tls_problem(address, error) from None
        except OSError:
            closed = True
        if closed:
            raise NotReached(
                "tls",
                f"{address}: the server closes the connection after the TLS handshake",
                hint="It may want a client's certificate: certificate_file and key_file.",
            )


def check_tcp(host: str, port: int) -> None:
    """Knock at a port. Raises NotReached."""
    _connected(f"{host}:{port}", {}).close()


def _ask(address: str, settings: Mapping[str, str]) -> Understands:
    with _connected(address, settings) as connection:
        found = _api_versions(connection, address, 3)
        if found.error == api_versions.UNSUPPORTED_VERSION:
            found = _api_versions(connection, address, 0)
    return found


def _connected(address: str, settings: Mapping[str, str]) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        plain = socket.create_connection((host, int(port)), CONNECT_SECONDS)
    except socket.gaierror as error:
        raise NotReached(
            "name",
            f"{address}: the host's name is not known ({error.strerror})",
            hint="Check the name, and whether a VPN is needed.",
        ) from None
    except TimeoutError:
        raise NotReached(
            "tcp",
            f"{address}: no answer within {CONNECT_SECONDS:g} s",
            hint="A firewall may drop the packets; check host, port and network.",
        ) from None
    except OSError as error:
        raise NotReached(
            "tcp", f"{address}: {error.strerror or error}", hint="Check host and port."
        ) from None
    if "SSL" not in settings.get("security.protocol", "").split("_"):
        return plain
    try:
        context = tls_context(settings)
    except (OSError, ValueError) as error:
        plain.close()
        reason = getattr(error, "reason", None) or error
        raise NotReached(
            "tls",
            f"{address}: the certificates of this side cannot be used: {reason}",
            hint="Check ca_file, certificate_file, key_file (they belong together) and "
            "key_password.",
        ) from None
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except (OSError, ValueError) as error:
        plain.close()
        raise tls_problem(address, error) from None


_OWN_CERTIFICATE = {
    "CERTIFICATE_REQUIRED": "it wants a client's certificate",
    "HANDSHAKE_FAILURE": "it agrees to no handshake; it may want a client's certificate",
    "UNKNOWN_CA": "it does not know the authority that signed the client's certificate",
    "CERTIFICATE_UNKNOWN": "it does not take the client's certificate",
    "BAD_CERTIFICATE": "it does not take the client's certificate, or wants one",
    "CERTIFICATE_EXPIRED": "the client's certificate has expired",
    "CERTIFICATE_REVOKED": "the client's certificate was revoked",
}
"""What servers say by an alert; with TLS 1.3 they do so after the client has done its part."""


def tls_problem(address: str, error: Exception) -> NotReached:
    """What a failed handshake, or an alert in place of an answer, means."""
    said = str(getattr(error, "reason", None) or "").upper().replace(" ", "_")
    for alert, meaning in _OWN_CERTIFICATE.items():
        if said.endswith(f"ALERT_{alert}"):
            return NotReached(
                "tls",
                f"{address}: the server ends the TLS handshake: {meaning}",
                hint="A client's certificate is told by certificate_file and key_file.",
            )
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or str(error)
        hint = "The authority that signed it belongs into ca_file."
        if "expired" in reason:
            hint = "The server's certificate has to be renewed; nothing here can help."
        elif "match" in reason:
            hint = "Use the name that stands in the certificate, or check_hostname = false."
        return NotReached("tls", f"{address}: the server's certificate: {reason}", hint=hint)
    if isinstance(error, TimeoutError):
        return NotReached(
            "tls",
            f"{address}: no TLS handshake within {CONNECT_SECONDS:g} s",
            hint="The listener may speak plain text: without tls = true then.",
        )
    if said in {"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}:
        return NotReached(
            "tls",
            f"{address}: no TLS handshake: the listener does not speak TLS",
            hint="Without TLS: no tls, ca_file and certificate_file; http:// in a URL.",
        )
    if isinstance(error, ssl.SSLError):
        return NotReached(
            "tls",
            f"{address}: no TLS handshake: {error.reason or error}",
            hint="The listener may speak plain text, or want a client's certificate.",
        )
    return NotReached(
        "tls",
        f"{address}: no TLS handshake: {error}",
        hint="The listener may speak plain text, or want a client's certificate.",
    )


def _api_versions(connection: socket.socket, address: str, version: int) -> Understands:
    try:
        connection.settimeout(CONNECT_SECONDS)
        connection.sendall(api_versions.encode_request(version, version + 1))
        (size,) = struct.unpack(">i", receive(connection, 4))
        if size >> 16 == _TLS_ALERT:
            raise NotReached(
                "tls",
                f"{address}: the listener speaks TLS, and was spoken to in plain text",
                hint="tls = true, or ca_file for an authority that the system does not know.",
            )
        if size == _HTTP:
            raise DecodeError("it speaks HTTP")
        if not 6 <= size <= 1 << 20:
            raise DecodeError(f"an answer of {size} bytes")
        answer = receive(connection, size)
        (number,) = struct.unpack(">i", answer[:4])
        if number != version + 1:
            raise DecodeError("an answer to something else")
        return api_versions.decode_answer(version, answer[4:])
    except ssl.SSLError as error:
        raise tls_problem(address, error) from None
    except (OSError, DecodeError) as error:
        said = "no answer" if isinstance(error, TimeoutError) else str(error)
        hint = "The listener may want TLS (tls = true), or be another service."
        if isinstance(connection, ssl.SSLSocket):
            hint = "It may want a client's certificate (certificate_file), or be another service."
        raise NotReached(
            "protocol",
            f"{address}: something listens there, but not as a Kafka broker does: {said}",
            hint=hint,
        ) from None
