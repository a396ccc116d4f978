from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.models.manifest import LARGEST_MANIFEST, Manifest, PackFile
from crnn_ocr.models.registry import ALIASES, Registry

MODELS = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def manifest_of(name: str, content: bytes = b"graph", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1",
        "kind": "rec",
        "title": "A pack of the tests",
        "licence": "Apache-2.0",
        "provenance": "made here",
        "graph": {"path": "net.onnx", "sha256": hashlib.sha256(content).hexdigest()},
        **changes,
    }


def make_pack(folder: Path, name: str, content: bytes = b"graph", **changes: Any) -> Path:
    pack = folder / name
    pack.mkdir(parents=True)
    (pack / "net.onnx").write_bytes(b"graph")
    (pack / "manifest.json").write_text(json.dumps(manifest_of(name, content, **changes)), encoding="utf-8")
    return pack


def test_the_bundled_packs_are_complete() -> None:
    packs = Registry().packs()

    assert {"crnn-zh-en", "crnn-zh-en-edge", "ppocrv6-small", "ppocrv6-det-small"} <= {
        pack.manifest.name for pack in packs
    }
    for pack in packs:
        pack.verify()


def test_a_users_pack_is_found_and_wins_over_a_bundled_one(tmp_path: Path) -> None:
    make_pack(tmp_path, "mine")
    make_pack(tmp_path, "ppocrv6-small", title="Another")
    registry = Registry(tmp_path)

    assert registry.find("mine", "rec").folder == tmp_path / "mine"
    assert registry.find("ppocrv6-small", "rec").manifest.title == "Another"
    assert [pack.manifest.name for pack in registry.packs()].count("ppocrv6-small") == 1


@pytest.mark.parametrize(
    "name", ["nothing", "", "..", "../x", "a/b", "a\\b", "a\0b", "x" * 5000, "ppocrv6-det-small"]
)
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ModelNotFoundError, match="there is"):
        Registry().find(name, "rec")


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    make_pack(tmp_path, "mine", content=b"another graph")

    with pytest.raises(ModelBrokenError, match=r"net\.onnx differs"):
        Registry(tmp_path).find("mine", "rec").verify()


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    (make_pack(tmp_path, "mine") / "net.onnx").unlink()

    with pytest.raises(ModelBrokenError, match=r"net\.onnx is missing"):
        Registry(tmp_path).find("mine", "rec").verify()


@contextmanager
def as_another_user() -> Iterator[None]:
    """Whose rights are checked, as root's are not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("mode", [0, 0o600, 0o300])
def test_a_folder_of_packs_that_cannot_be_read_is_an_error(shared: Path, mode: int) -> None:
    make_pack(shared / "packs", "mine")
    registry = Registry(shared / "packs")
    os.chown(shared / "packs", 65534 if os.geteuid() == 0 else -1, -1)
    (shared / "packs").chmod(mode)
    looks: list[Callable[[], object]] = [
        registry.packs,
        registry.broken,
        lambda: registry.find("mine", "rec"),
        lambda: registry.find("ppocrv6-small"),
        lambda: registry.find("nothing"),
    ]
    with as_another_user():
        for look in looks:
            with pytest.raises(ModelBrokenError, match=r"packs, cannot be read: Permission denied") as caught:
                look()
            assert "CRNN_OCR_MODELS_DIR" in caught.value.hint
    (shared / "packs").chmod(0o755)
    assert registry.find("mine", "rec").folder == shared / "packs" / "mine"


def test_a_file_is_no_folder_of_packs(tmp_path: Path) -> None:
    (tmp_path / "packs").touch()
    with pytest.raises(ModelBrokenError, match="cannot be read: Not a directory"):
        Registry(tmp_path / "packs").find("ppocrv6-small")


def test_a_home_that_cannot_be_read_has_no_packs(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(shared))
    make_pack(shared / "crnn-ocr" / "models", "mine")
    assert Registry().find("mine", "rec")
    (shared / "crnn-ocr").chmod(0)
    with as_another_user():
        registry = Registry()
        assert registry.find("ppocrv6-small", "rec")
        assert registry.broken() == ()
    (shared / "crnn-ocr").chmod(0o755)


@pytest.mark.parametrize("part", ["", "manifest.json", "net.onnx"])
def test_a_pack_that_cannot_be_read_is_broken(shared: Path, part: str) -> None:
    pack = make_pack(shared, "mine")
    mode = (pack / part).stat().st_mode
    (pack / part).chmod(0)
    registry = Registry(shared)
    with as_another_user():
        with pytest.raises(ModelBrokenError, match="cannot be read: Permission denied"):
            registry.find("mine", "rec").verify()
        assert registry.broken() == (() if part == "net.onnx" else (pack,))
    (pack / part).chmod(mode)
    registry.find("mine", "rec").verify()


def test_a_package_that_is_not_installed_is_named(tmp_path: Path) -> None:
    graph = {"path": "net.onnx", "sha256": "0" * 64, "package": "no_such_package"}
    make_pack(tmp_path, "mine", graph=graph)

    with pytest.raises(ModelBrokenError, match="no_such_package") as caught:
        Registry(tmp_path).find("mine", "rec").verify()
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize("path", ["/etc/passwd", "../net.onnx", "a/../../b", "", "a\\b"])
def test_files_outside_the_pack_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        PackFile(path=path, sha256="0" * 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("[]", "manifest.json"),
        (json.dumps(manifest_of("mine", kind="a poem")), "kind"),
        (json.dumps(manifest_of("mine", stride="eight")), "stride"),
        (json.dumps({**manifest_of("mine"), "colour": 1}), "colour"),
        (json.dumps({**manifest_of("mine"), "mean": 10**400}), "mean"),
        ("[" * 200_000, "nested too deeply"),
        (json.dumps(manifest_of("mine")) + " " * LARGEST_MANIFEST, "bytes"),
    ],
    ids=lambda value: value[:20],
)
def test_a_broken_manifest_names_its_fault(tmp_path: Path, text: str, message: str) -> None:
    pack = make_pack(tmp_path, "mine")
    (pack / "manifest.json").write_text(text, encoding="utf-8")

    with pytest.raises(ModelBrokenError, match=message):
        Registry(tmp_path).find("mine", "rec")
    assert "mine" not in {entry.manifest.name for entry in Registry(tmp_path).packs()}
    assert Registry(tmp_path).broken() == (pack,)
    with pytest.raises(ModelNotFoundError):  # lists the others
        Registry(tmp_path).find("nothing", "rec")


def test_a_model_is_named_with_its_version() -> None:
    assert Manifest.model_validate(manifest_of("mine", version="2.1")).id == "mine/2.1"


def test_an_alias_stands_for_a_pack_unless_one_bears_its_name(tmp_path: Path) -> None:
    assert Registry(tmp_path).resolve("accurate", "rec") == "ppocrv6-small"
    assert Registry(tmp_path).resolve("edge", "rec") == "crnn-zh-en-edge"
    with pytest.raises(ModelNotFoundError, match=r"'fast'.*ppocrv6-small, accurate, edge$"):
        Registry(tmp_path).find("fast", "rec")
    make_pack(tmp_path, "accurate")
    assert Registry(tmp_path).resolve("accurate", "rec") == "accurate"


def test_packs_are_found_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    make_pack(tmp_path / "crnn-ocr" / "models", "mine")
    assert Registry().find("mine", "rec").folder == tmp_path / "crnn-ocr" / "models" / "mine"


def test_packs_in_the_making_are_no_packs(tmp_path: Path) -> None:
    make_pack(tmp_path, "mine").rename(tmp_path / ".mine")
    assert "mine" not in {pack.manifest.name for pack in Registry(tmp_path).packs()}
    assert Registry(tmp_path).broken() == ()


def test_a_folder_bears_the_name_of_its_pack(tmp_path: Path) -> None:
    make_pack(tmp_path, "mine").rename(tmp_path / "yours")
    with pytest.raises(ModelBrokenError, match="must have the name of its pack"):
        Registry(tmp_path).find("yours", "rec")
    assert Registry(tmp_path).broken() == (tmp_path / "yours",)


def test_the_documentation_names_every_field_and_alias() -> None:
    for field in Manifest.model_fields:
        assert f"`{field}`" in MODELS
    for alias, name in ALIASES.items():
        assert f"| `{alias}` | `{name}`" in MODELS
