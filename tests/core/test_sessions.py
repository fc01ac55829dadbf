"""Temporary credentials: what is in them, and what is not taken for them."""

import base64
import re

import pytest

from stoker.core import sessions
from stoker.core.sessions import Session

SECRET, NONCE = b"s" * sessions.SECRET_BYTES, bytes(range(sessions.NONCE_BYTES))
ROLE = "arn:aws:iam::123456789012:role/service/worker"
SESSION = Session("123456789012", ROLE, "f", 1_800_000_000)


def test_they_say_whose_they_are_and_until_when() -> None:
    made = sessions.issue(SECRET, SESSION, NONCE)
    assert re.fullmatch("ASIA[A-Z2-7]{16}", made.access_key_id)
    assert len(made.secret_access_key) == 40
    assert sessions.read(SECRET, made.access_key_id, made.session_token) == SESSION
    assert SESSION.arn == "arn:aws:sts::123456789012:assumed-role/worker/f"


def test_others_are_nobody_s() -> None:
    made = sessions.issue(SECRET, SESSION, NONCE)
    key, token = made.access_key_id, made.session_token
    other = sessions.issue(SECRET, SESSION, NONCE[::-1])
    whole = base64.b64decode(token)
    for wrong_key, wrong_token in (
        (key, other.session_token),
        (other.access_key_id, token),
        ("AKIA" + key[4:], token),
        (key, ""),
        (key, "*" + token),
        (key, token[:-8]),
        (key, "A" * 10_000),
        (key, base64.b64encode(whole[:-17] + b"0" + whole[-16:]).decode()),
    ):
        assert sessions.read(SECRET, wrong_key, wrong_token) is None
    assert sessions.read(SECRET[:-1] + b"t", key, token) is None


@pytest.mark.parametrize(
    ("arn", "account"),
    [
        (ROLE, "123456789012"),
        ("arn:aws-cn:iam::123456789012:role/r", "123456789012"),
        ("arn:aws:iam::123456789012:user/r", None),
        ("arn:aws:iam::12345678901:role/r", None),
        ("arn:aws:iam::123456789012:role/r\n", None),
        ("arn:aws:iam::123456789012:role/", None),
    ],
)
def test_a_role_s_account_is_in_its_arn(arn: str, account: str | None) -> None:
    assert sessions.role_account(arn) == account
