"""The contract's test vectors, and what holds for every key and text."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.security import admin, datakey
from cpamp.security.admin import AdminGate, Credential
from cpamp.security.datakey import DataKeyError
from cpamp.security.secrets import SecretBox, SecretError, decode
from cpamp.security.vault import Vault

KEY = bytes(range(32))
KEY_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
SEALED = "enc:v1:AAECAwQFBgcICQoL:bilTFBDr2T6NtdXfcbbY2tOIYL/ngaK/jZZXccny"
URLSAFE = bytes([0xFB, 0xEF, 0xFF] * 10 + [1, 2])


def test_derived_key_of_the_contract() -> None:
    assert datakey.derive(KEY, b"settings-secrets-v1").hex() == (
        "3a803754fc5b8ee382001cb5c822d9fab726ab06c541babe624ddec3e5dca1ff"
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (KEY_TEXT, KEY),
        (KEY_TEXT + "=", KEY),
        (base64.urlsafe_b64encode(URLSAFE).decode().rstrip("="), URLSAFE),
        (base64.b64encode(URLSAFE).decode(), URLSAFE),
        ("x" * 32, b"x" * 32),
    ],
)
def test_forms_of_a_data_key(text: str, key: bytes) -> None:
    assert datakey.parse_given(text) == datakey.parse_file(text) == key


def test_passphrase_of_the_contract() -> None:
    assert datakey.parse_given("correct horse").hex() == (
        "166b7a170034f3176ca986c908a13b32c5890165ce04f102eb602363d2c2766d"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "data key is empty"), (" \n", "data key is empty"), ("correct horse", "32 bytes")],
)
def test_bad_key_files(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "data.key"
    path.write_text(content)
    with pytest.raises(DataKeyError, match=said):
        datakey.load("", path)
    assert datakey.load(KEY_TEXT, path) == KEY


def test_unreadable_key_file_is_no_missing_one(tmp_path: Path) -> None:
    with pytest.raises(DataKeyError, match="read data key"):
        datakey.load("", tmp_path)
    assert datakey.load("", tmp_path / "data.key") is None


def test_created_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a/b/data.key"
    key = datakey.create(path)
    assert datakey.load("", path) == key
    assert len(path.read_text()) == 44
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(DataKeyError, match="create data key"):
        datakey.create(path)
    assert datakey.load("", path) == key


def test_sealing_vector_of_the_contract() -> None:
    box = SecretBox(KEY, random=lambda n: bytes(range(n)))
    assert box.encrypt(" management-key ") == SEALED
    assert box.decrypt(SEALED) == "management-key"


@given(st.binary(min_size=32, max_size=32), st.text().map(str.strip))
def test_sealed_texts_come_back(key: bytes, text: str) -> None:
    box = SecretBox(key)
    assert box.decrypt(box.encrypt(text)) == text


def test_what_is_not_sealed() -> None:
    box = SecretBox(KEY)
    assert box.encrypt("") == box.encrypt("  ") == ""
    assert box.encrypt(SEALED) == SEALED
    assert box.decrypt("old plain text") == "old plain text"


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("enc:v1:abc", "invalid encrypted secret format"),
        ("enc:v1:a:b:c", "invalid encrypted secret format"),
        ("enc:v1:!!:!!", "invalid encrypted secret format"),
        (SEALED[:-1] + "A", "invalid data key or corrupted ciphertext"),
        ("enc:v1:AAAA:AAAA", "invalid data key or corrupted ciphertext"),
        ("enc:v1::", "invalid data key or corrupted ciphertext"),
    ],
)
def test_unreadable_secrets(stored: str, said: str) -> None:
    with pytest.raises(SecretError, match=said):
        SecretBox(KEY).decrypt(stored)


def test_vault_makes_a_key_only_where_nothing_is_sealed(tmp_path: Path) -> None:
    vault = Vault("", tmp_path / "data.key")
    vault.load()
    assert vault.open(SEALED) is False
    assert "missing" in vault.problem
    assert not vault.path.exists()
    sealed = vault.encrypt("new")
    vault.saved()
    assert (vault.problem, vault.decrypt(sealed)) == ("", "new")
    again = Vault("", vault.path)
    again.load()
    assert again.open(sealed) is False
    assert again.problem == ""
    assert again.open(SEALED) is False
    assert "invalid data key" in again.problem


def test_vault_of_a_fresh_start(tmp_path: Path) -> None:
    vault = Vault("", tmp_path / "data.key")
    vault.load()
    assert vault.open("") is True
    assert vault.path.exists()
    given_key = Vault(KEY_TEXT, tmp_path / "other.key")
    given_key.load()
    assert given_key.open("") is False
    assert not given_key.path.exists()


@pytest.mark.parametrize(
    ("iterations", "key_hash"),
    [
        (1, "b2qnNrZAYrBhpB1QYCi0YFAHV2vu8dI2bNiLpvTWw9Y"),
        (0, "b2qnNrZAYrBhpB1QYCi0YFAHV2vu8dI2bNiLpvTWw9Y"),
        (1000, "DYipffK8I+lEOwzdkSVtE2JAnbRmk7/hK2kLYxRqj7Q"),
    ],
)
def test_credential_vectors_of_the_contract(iterations: int, key_hash: str) -> None:
    credential = Credential.read(
        {"salt": "AAECAwQFBgcICQoLDA0ODw", "keyHash": key_hash, "iterations": iterations}
    )
    assert credential is not None
    assert credential.verify(" test-admin-key ")
    gate = AdminGate(credential)
    for _again in range(2):
        assert gate.verify("test-admin-key")
        for wrong in ("", " ", "test-admin-ke", "Test-admin-key", "\udcff"):
            assert not gate.verify(wrong)


def test_nobody_passes_before_there_is_a_credential() -> None:
    assert not AdminGate().verify("anything")


@pytest.mark.parametrize(
    "record",
    [None, [], {}, {"salt": "AAEC"}, {"salt": "", "keyHash": "AA"}, {"salt": 1, "keyHash": 2}],
)
def test_incomplete_credentials(record: object) -> None:
    assert Credential.read(record) is None


def test_credential_record_and_rotation() -> None:
    first = Credential.of("one", "env", 1_000)
    assert first.record().keys() == {
        "version", "salt", "keyHash", "iterations", "createdAtMs", "source"
    }  # fmt: skip
    assert Credential.read(first.record()) == first
    second = Credential.of("two", "cli", 2_000, replacing=first)
    assert (second.created_at_ms, second.rotated_at_ms) == (1_000, 2_000)
    assert Credential.read(second.record()) == second
    assert second.verify("two")
    assert not second.verify("one")
    assert len(decode(first.record()["salt"])) == 16


def test_generated_keys() -> None:
    keys = {admin.generate() for _ in range(200)}
    assert len(keys) == 200
    for key in keys:
        tail = key.removeprefix("cmp_admin_")
        assert len(key) == 42
        assert set(tail) <= set(admin.ALPHABET)
        assert len(tail) == 32


def test_generation_rejects_the_bytes_that_would_favour_some_characters() -> None:
    asked: list[int] = []

    def random(count: int) -> bytes:
        asked.append(count)
        return bytes([255, 248, 247, 0] * (count // 4))

    assert admin.generate(random) == "cmp_admin_" + "z0" * 16
    assert len(asked) == 1


def test_every_character_is_equally_likely() -> None:
    key_bytes = iter(range(248))
    key = admin.generate(lambda n: bytes([next(key_bytes) for _ in range(32)] + [255] * (n - 32)))
    assert key.removeprefix("cmp_admin_") == admin.ALPHABET[:32]


def test_umask_independent(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        datakey.create(tmp_path / "data.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data.key").stat().st_mode) == 0o600
