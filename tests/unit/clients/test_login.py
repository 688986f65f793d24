"""SCRAM by the example of RFC 7677, and what a false server is told by."""

from __future__ import annotations

import pytest

from lab.clients.errors import UnexpectedAnswer
from lab.clients.login import scram

NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = f"r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
VERIFIER = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


class Server:
    """Answers with what it was given, and keeps what it was told."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.told: list[str] = []

    def __call__(self, message: bytes) -> bytes:
        self.told.append(message.decode())
        return self.answers.pop(0).encode()


def test_the_exchange_is_that_of_the_rfc() -> None:
    server = Server(FIRST, VERIFIER)
    scram(server, "sha256", "user", "pencil", nonce=NONCE)
    assert server.told == [
        f"n,,n=user,r={NONCE}",
        f"c=biws,r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p={PROOF}",
    ]


def test_signs_of_the_protocol_in_a_name_are_escaped() -> None:
    server = Server(FIRST, VERIFIER)
    with pytest.raises(UnexpectedAnswer):
        scram(server, "sha256", "a=b,c", "pencil", nonce=NONCE)
    assert server.told[0] == f"n,,n=a=3Db=2Cc,r={NONCE}"


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        (FIRST, "v=AAAA", "does not know the password"),
        (FIRST, "", "does not know the password"),
        (FIRST.replace(NONCE, "x"), VERIFIER, "first message is none"),
        (FIRST.replace("i=4096", "i=1"), VERIFIER, "first message is none"),
        ("", VERIFIER, "first message is none"),
    ],
)
def test_a_server_that_does_not_know_the_password_is_noticed(
    first: str, last: str, problem: str
) -> None:
    with pytest.raises(UnexpectedAnswer, match=problem):
        scram(Server(first, last), "sha256", "user", "pencil", nonce=NONCE)
