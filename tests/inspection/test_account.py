"""Who a credential is by its entry in CPA's listing (inspection contract, 5.1 and 6.2)."""

from __future__ import annotations

import base64
import json
from typing import Any

import attrs
import pytest

from cpamp.cpa.client import entries_of
from cpamp.inspection.account import Account, Identity, accounts_of, key_of, same_mark


def jwt(claims: dict[str, Any]) -> str:
    """A token that nobody has signed."""
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{middle}.x"


# a part of the account, the entry, what the part is
PARTS: list[tuple[str, dict[str, Any], Any]] = [
    ("file_name", {"name": " a.json ", "id": "b"}, "a.json"),
    ("file_name", {"id": "b", "auth_index": "1"}, "b"),
    ("file_name", {"auth_index": "1"}, "1"),
    ("file_name", {"label": "l"}, "unknown-auth-file"),
    ("auth_index", {"auth_index": "a", "authIndex": "b"}, "a"),
    ("auth_index", {"auth_index": " ", "authIndex": "b"}, "b"),
    ("auth_index", {"auth-index": "c"}, "c"),
    ("auth_index", {"auth_index": 7.0}, "7"),
    ("auth_index", {"auth_index": True}, ""),
    ("provider", {"provider": "Some_Thing", "type": "codex"}, "some-thing"),
    ("provider", {"type": "Codex"}, "codex"),
    ("provider", {"provider": "x_ai"}, "xai"),
    ("provider", {"provider": "Grok"}, "xai"),
    ("account_snapshot", {"account": "a", "email": "b"}, "a"),
    ("account_snapshot", {"email": "b", "display_account": "c"}, "b"),
    ("account_snapshot", {"display_account": "c", "displayAccount": "d"}, "c"),
    ("account_snapshot", {"displayAccount": "d"}, "d"),
    ("account_snapshot", {"label": "l"}, ""),
    ("display_account", {"account": "a", "label": "l", "name": "f"}, "a"),
    ("display_account", {"label": "l", "name": "f"}, "l"),
    ("display_account", {"name": "f"}, "f"),
    ("account_id", {"chatgpt_account_id": "1", "account_id": "2"}, "1"),
    ("account_id", {"chatgptAccountId": "1"}, "1"),
    ("account_id", {"accountId": "2"}, "2"),
    ("account_id", {"metadata": {"account_id": "m"}, "attributes": {"account_id": "a"}}, "m"),
    ("account_id", {"attributes": {"account_id": "a"}, "id_token": {"account_id": "t"}}, "a"),
    ("account_id", {"id_token": {"chatgpt_account_id": "t"}}, "t"),
    ("account_id", {"id_token": '{"chatgptAccountId": "t"}'}, "t"),
    ("account_id", {"id_token": jwt({"account_id": "t"})}, "t"),
    ("account_id", {"metadata": {"id_token": jwt({"account_id": "t"})}}, "t"),
    ("account_id", {"attributes": {"idToken": {"account_id": "t"}}}, "t"),
    ("account_id", {"id_token": jwt({"auth": {"account_id": "deep"}})}, ""),
    ("account_id", {"id_token": "a.b.c"}, ""),
    ("account_id", {"id_token": "no token"}, ""),
    # Another provider's id, where there is none of ChatGPT's.
    ("account_id", {"project_id": "p", "metadata": {"account_id": "m"}}, "m"),
    ("account_id", {"project_id": "p"}, "p"),
    ("account_id", {"id_token": {"sub": "s"}}, "s"),
    ("plan_type", {"plan_type": "Pro_Lite"}, "pro-lite"),
    ("plan_type", {"planType": "plus", "id_token": {"plan_type": "team"}}, "plus"),
    ("plan_type", {"id_token": {"plan_type": "team"}}, "team"),
    ("disabled", {"status": "Disabled"}, True),
    ("disabled", {"status": "inactive"}, True),
    ("disabled", {"state": "disabled"}, True),
    ("disabled", {"status": "active", "state": "disabled"}, False),
    ("disabled", {"status": "active", "disabled": True}, True),
    ("disabled", {"disabled": 1}, True),
    ("disabled", {"disabled": 0}, False),
    ("disabled", {"disabled": "true"}, True),
    ("disabled", {"disabled": "1"}, True),
    ("disabled", {"disabled": "no"}, False),
    ("disabled", {"disabled": None}, False),
]


@pytest.mark.parametrize(("part", "entry", "value"), PARTS)
def test_parts(part: str, entry: dict[str, Any], value: Any) -> None:
    assert getattr(Account.of(entry), part) == value


# the answer of CPA, and the names of its entries
LISTINGS: list[tuple[Any, list[str]]] = [
    ([{"name": "a"}, {}, {"name": "b"}], ["a", "b"]),
    *(
        ({name: [{"name": "a"}]}, ["a"])
        for name in ("auth_files", "authFiles", "files", "items", "data")
    ),
    ({"name": "a", "type": "codex"}, ["a"]),
    ({"id": "a"}, ["a"]),
    ({"files": []}, []),
]


@pytest.mark.parametrize(("answer", "names"), LISTINGS)
def test_shapes_of_a_listing(answer: Any, names: list[str]) -> None:
    assert [account.file_name for account in accounts_of(entries_of(answer))] == names


# -- who it is ----------------------------------------------------------------------------------

WHO = Identity("a.json", "codex", "i1", "acc", "a@e.test")
ENTRY = {
    "name": "a.json",
    "provider": "codex",
    "auth_index": "i1",
    "email": "a@e.test",
    "account_id": "acc",
    "project_id": "p",
}

# what is expected of the entry above, and whether it is that one
MATCHES = [
    (WHO, True),
    (attrs.evolve(WHO, file_name="b.json"), False),
    (attrs.evolve(WHO, provider="claude"), False),
    (attrs.evolve(WHO, auth_index="i2"), False),
    (attrs.evolve(WHO, account_id="other"), False),
    # Known by another of its ids; and the snapshot does not matter where there is an id.
    (attrs.evolve(WHO, account_id="p"), True),
    (attrs.evolve(WHO, account_snapshot="b@e.test"), True),
    (attrs.evolve(WHO, account_id="", account_snapshot="b@e.test"), False),
    (attrs.evolve(WHO, account_id="", account_snapshot="a@e.test"), True),
    (Identity("a.json", "codex", "i1"), True),
    # The name of the file says nothing of who it is.
    (Identity("a.json", "codex", "", "", "a.json"), False),
    (Identity("a.json", "codex"), False),
]


@pytest.mark.parametrize(("expected", "is_it"), MATCHES)
def test_which_credential_is_meant(expected: Identity, is_it: bool) -> None:
    assert Account.of(ENTRY).is_(expected) is is_it


# an identity, and whether that is enough to change the credential
STABLE = [
    (WHO, True),
    (Identity("a.json", "codex", "i1"), True),
    (Identity("a.json", "codex", "", "acc"), True),
    (Identity("a.json", "codex", "", "", "a@e.test"), True),
    (Identity("", "codex", "i1"), False),
    (Identity("a.json", "", "i1"), False),
    (Identity("a.json", "codex"), False),
]


@pytest.mark.parametrize(("identity", "stable"), STABLE)
def test_what_is_enough_to_act(identity: Identity, stable: bool) -> None:
    assert identity.stable is stable


def test_a_label_or_the_name_of_the_file_identifies_nobody() -> None:
    for entry in ({"label": "a@e.test"}, {"account": "a.json"}):
        account = Account.of({"name": "a.json", "provider": "codex", **entry})
        assert not account.identity.stable


def test_keys_are_distinct_and_the_same_in_every_run() -> None:
    entries = [
        {"name": "a.json", "auth_index": "1"},
        {"name": "a.json", "auth_index": "2"},
        {"name": "b.json", "provider": "codex", "account_id": "x"},
        {"name": "b.json", "provider": "codex", "account_id": "x", "id": "b-2"},
        {"name": "c.json", "provider": "codex", "email": "c@e.test"},
        {"name": "c.json", "provider": "codex", "email": "c@e.test"},
    ]

    def keys() -> list[str]:
        taken: set[str] = set()
        return [key_of(account, taken) for account in accounts_of(entries)]

    assert keys() == [
        "a.json::1",
        "a.json::2",
        "b.json::codex::x",
        "b.json::codex::x::b-2",
        "c.json::codex::c@e.test",
        "c.json::codex::c@e.test#2",
    ]
    assert keys() == keys()


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [(0, 5, True), (5, 0, True), (5_000, 7_000, True), (5_000, 7_001, False)],
)
def test_times_of_one_writing(first: int, second: int, same: bool) -> None:
    assert same_mark(first, second) is same
