"""Which JSON Web Tokens count, and what of them the function is told."""

from typing import Any

import pytest

from stoker.core import json_web_tokens as tokens
from stoker.core.json_web_tokens import BadToken, keys_of
from tests.tokens import encoded, jwk, private_key, token

NOW = 1_700_000_000.0
CLAIMS = {"iss": "https://issuer.example", "aud": "me", "exp": NOW + 60, "sub": "somebody"}


def checked(claims: Any, **head: Any) -> tokens.Token:
    read = tokens.read(token(claims, **head))
    keys = keys_of({"keys": [jwk(private_key())]})
    tokens.verify(read, keys[read.key_id])
    tokens.check(read, issuer=CLAIMS["iss"], audiences=("you", "me"), now=NOW)
    return read


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"aud": ["other", "you"]},
        {"nbf": NOW, "iat": NOW - 1.5},
    ],
)
def test_a_genuine_token_counts(more: dict[str, Any]) -> None:
    assert checked({**CLAIMS, **more}).claims["sub"] == "somebody"


def test_without_aud_the_client_counts() -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != "aud"}
    assert checked({**claims, "client_id": "me"})
    with pytest.raises(BadToken, match="audience"):
        checked({**CLAIMS, "aud": "other", "client_id": "me"})


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"iss": "https://issuer.example/"}, "invalid issuer"),
        ({"aud": "other"}, "valid audience"),
        ({"aud": {"a": 1}}, "valid audience"),
        ({"aud": [["me"]]}, "valid audience"),
        ({"exp": NOW}, "expired"),
        ({"exp": None}, "no valid exp"),
        ({"exp": "9" * 20}, "no valid exp"),
        ({"exp": True}, "no valid exp"),
        ({"nbf": NOW + 1}, "not valid yet"),
        ({"iat": NOW + 1}, "in the future"),
    ],
)
def test_what_a_claim_says_wrong_is_told(more: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadToken, match=reason):
        checked({**CLAIMS, **more})


def test_a_signature_counts_for_its_own_text_only() -> None:
    keys = keys_of({"keys": [jwk(private_key())]})
    head, _, signature = token(CLAIMS).split(".")
    other = token({**CLAIMS, "sub": "root"}).split(".")[1]
    for text in (f"{head}.{other}.{signature}", token(CLAIMS, number=1), f"{head}.{other}."):
        with pytest.raises(BadToken, match="signature is invalid"):
            tokens.verify(tokens.read(text), keys["one"])


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a.b", "a.b.c.d", "..", "e30.e30.!", "W10.e30.AA", "é.e30.AA"),
        *(f"{encoded(b'{')}.e30.AA", "x" * 20_000, token(CLAIMS, alg="none")),
        *(token(CLAIMS, alg="HS256"), token(CLAIMS, kid=None), token(CLAIMS, alg=["RS256"])),
        token([1]),
    ],
)
def test_what_is_no_token_is_told(text: str) -> None:
    with pytest.raises(BadToken):
        tokens.read(text)


def test_only_rsa_keys_of_a_sane_size_are_keys() -> None:
    good = jwk(private_key())
    bad = [
        *({**good, "kty": "EC"}, {**good, "use": "enc"}, {**good, "n": "AQAB"}, {**good, "n": 7}),
        *(
            {**good, "n": encoded(b"\xff" * 100_000)},
            {**good, "e": encoded(b"\xff" * 9)},
            None,
            "x",
        ),
        {"kty": "RSA", "kid": "no"},
    ]
    assert keys_of({"keys": bad}) == {}
    for document in (None, [], {}, {"keys": "x"}):
        assert keys_of(document) == {}
    assert list(keys_of({"keys": [*bad, good]})) == ["one"]
    assert len(keys_of({"keys": [jwk(private_key(), str(n)) for n in range(200)]})) == tokens.KEYS


def test_scopes_come_as_text_or_list() -> None:
    for more, scopes in (
        ({"scope": "read write"}, ["read", "write"]), ({"scp": ["read", 1]}, ["read"]),
        ({"scope": "", "scp": "read"}, []), ({"scope": 7}, []), ({}, []),
    ):  # fmt: skip
        assert tokens.scopes(tokens.read(token({**CLAIMS, **more}))) == scopes


def test_events_have_claims_as_text() -> None:
    claims = {"a": "x", "n": 1, "t": True, "l": ["a", 1], "o": {"b": None}}
    shown = {"a": "x", "n": "1", "t": "true", "l": "[a 1]", "o": '{"b":null}'}
    assert tokens.shown(claims) == shown
