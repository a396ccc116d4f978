from __future__ import annotations

import hashlib
import hmac
import logging
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crnn_ocr import cli
from crnn_ocr.errors import SettingsError
from crnn_ocr.service.middleware.api_keys import KeyRing, hash_key, new_key
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app

TEAM, OTHER = new_key("team"), new_key("other-2")


def ring(*entries: str, file: Path | None = None) -> KeyRing:
    return KeyRing.from_settings(Settings(api_keys=entries, api_keys_file=file))


# ---- keys --------------------------------------------------------------------------------------------


def test_a_new_key_is_long_and_random_and_only_its_hash_is_kept() -> None:
    assert TEAM.key != new_key("team").key
    assert TEAM.key.startswith("crnn_")
    assert len(TEAM.key) >= 48
    assert TEAM.entry == f"team:{hashlib.sha256(TEAM.key.encode()).hexdigest()}"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "x" * 65, "a\n"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError):
        new_key(name)


def test_every_key_is_found_by_name_and_no_other() -> None:
    keys = ring(TEAM.entry, OTHER.entry)
    assert keys.find(TEAM.key) == "team"
    assert keys.find(OTHER.key) == "other-2"
    for stranger in (
        "",
        TEAM.key[:-1],
        TEAM.key + "x",
        TEAM.key.upper(),
        TEAM.entry,
        hash_key(TEAM.key),
        "\ud800",
    ):
        assert keys.find(stranger) is None


@pytest.mark.parametrize(
    "key", [TEAM.key, OTHER.key, "", TEAM.key[:-1]], ids=["first", "second", "empty", "cut"]
)
def test_every_hash_is_compared_whole_and_in_constant_time(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time tells neither how much of a key is right nor which key it is."""
    compared = []

    def compare(presented: bytes, known: bytes) -> bool:
        compared.append((presented, known))
        return known == hashlib.sha256(OTHER.key.encode()).digest()  # whatever was presented

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert ring(TEAM.entry, OTHER.entry).find(key) == "other-2"  # nothing else decides
    presented = hashlib.sha256(key.encode()).digest()
    assert compared == [(presented, hashlib.sha256(known.key.encode()).digest()) for known in (TEAM, OTHER)]


def test_keys_come_from_variable_and_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# keys\n\n  {OTHER.entry.upper().replace('OTHER-2', 'other-2')}  # a comment\n")
    keys = ring(TEAM.entry, file=file)
    assert len(keys) == 2
    assert keys.find(OTHER.key) == "other-2"


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (("team",), "NAME:HASH"),
        (("team:",), "NAME:HASH"),
        ((f"team:{'0' * 63}",), "NAME:HASH"),
        ((f"team:{'g' * 64}",), "NAME:HASH"),
        ((f":{'0' * 64}",), "NAME:HASH"),
        ((TEAM.key,), "NAME:HASH"),
        ((TEAM.entry, f"team:{'0' * 64}"), "twice"),
    ],
)
def test_malformed_entries_end_the_start_and_are_not_shown(entries: tuple[str, ...], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        ring(*entries)
    assert TEAM.key not in caught.value.message


def test_a_missing_or_empty_file_does_not_open_the_service(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    broken = tmp_path / "broken"
    broken.write_bytes(b"\xff\xfe")
    for file, words in ((tmp_path / "none", "cannot be read"), (empty, "no key"), (broken, "cannot be read")):
        with pytest.raises(SettingsError, match=words):
            ring(file=file)


# ---- HTTP --------------------------------------------------------------------------------------------


@pytest.fixture
def locked() -> Flask:
    return create_app(FakeReader(), Settings(api_keys=(TEAM.entry, OTHER.entry)), warm_up=False)


def post(client: FlaskClient, **headers: str) -> tuple[int, str | None]:
    answer = client.post("/ocr", data=b"x", content_type="image/png", headers=headers)
    return answer.status_code, answer.headers.get("WWW-Authenticate")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TEAM.key}"},
        {"Authorization": f"bearer  {OTHER.key} "},
        {"X-API-Key": TEAM.key},
        {"Authorization": "Basic YTpi", "X-API-Key": TEAM.key},
    ],
)
def test_a_key_opens(locked: Flask, headers: dict[str, str]) -> None:
    assert post(locked.test_client(), **headers) == (200, None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {TEAM.key}"},
        {"Authorization": TEAM.key},
        {"X-API-Key": "wrong"},
        {"X-API-Key": TEAM.entry},
        {"Authorization": "Bearer wrong", "X-API-Key": TEAM.key},
    ],
)
def test_nothing_else_does(locked: Flask, headers: dict[str, str]) -> None:
    assert post(locked.test_client(), **headers) == (401, 'Bearer realm="crnn-ocr"')


def test_the_refusal_looks_like_all_errors_and_comes_first(locked: Flask) -> None:
    client = locked.test_client()
    for method, path in (("POST", "/ocr"), ("GET", "/options"), ("GET", "/nothing"), ("DELETE", "/ocr")):
        answer = client.open(path, method=method, data=b"{", content_type="application/json")
        assert answer.status_code == 401, path
        assert answer.json is not None
        assert answer.json["error"]["code"] == "UNAUTHORIZED"
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/docs", "/openapi.json", "/ui/base.css"])
def test_probes_and_the_page_need_no_key(locked: Flask, path: str) -> None:
    with locked.test_client().get(path) as answer:
        assert answer.status_code == 200


def test_the_log_names_the_key_but_does_not_hold_it(locked: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        post(locked.test_client(), **{"X-API-Key": TEAM.key})
        post(locked.test_client(), **{"X-API-Key": OTHER.key + "x"})
    written = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "'key': 'team'" in written
    assert "crnn_" not in written.replace("crnn_ocr", "")


# ---- the command -------------------------------------------------------------------------------------


def test_the_command_prints_what_the_service_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keys", "new", "team"]) == 0
    printed = capsys.readouterr()
    entry = printed.out.strip()
    key = printed.err.split()[-1]
    assert ring(entry).find(key) == "team"
    assert key not in printed.out


def test_the_command_refuses_bad_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keys", "new", "a b"]) == 2
    assert "SETTINGS_INVALID" in capsys.readouterr().err
