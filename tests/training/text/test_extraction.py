from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import pytest

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.text import extraction


def write_mo(path: Path, catalog: dict[str, str]) -> None:
    """Write a GNU message catalogue."""
    entries = sorted(({"": "Content-Type: text/plain; charset=UTF-8\n"} | catalog).items())
    keys, values = b"", b""
    table: list[tuple[int, int, int, int]] = []
    for key, value in entries:
        k, v = key.encode(), value.encode()
        table.append((len(k), len(keys), len(v), len(values)))
        keys, values = keys + k + b"\0", values + v + b"\0"
    start = 28 + 16 * len(table)
    head = struct.pack("<7I", 0x950412DE, 0, len(table), 28, 28 + 8 * len(table), 0, 0)
    first = b"".join(struct.pack("<2I", a, start + b) for a, b, _, _ in table)
    second = b"".join(struct.pack("<2I", c, start + len(keys) + d) for _, _, c, d in table)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + first + second + keys + values)


def test_html_gives_paragraphs_without_scripts(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text("<head><title>x</title></head><p>第一 <b>段</b>。</p><script>no()</script><li>二&amp;三")
    assert list(extraction.html(page)) == ["第一 段。", "二&三"]


def test_man_pages_lose_their_markup(tmp_path: Path) -> None:
    page = tmp_path / "a.1.gz"
    page.write_bytes(gzip.compress(".TH X 1\n.SH 名称\n列出 \\fB目录\\fR 的\\-内容\n.PP\n第二段\n".encode()))
    assert list(extraction.man(page)) == ["列出 目录 的-内容", "第二段"]


def test_messages_give_either_side_without_accelerators(tmp_path: Path) -> None:
    path = tmp_path / "a.mo"
    write_mo(path, {"_Open <b>file</b>": "打开(_O)", "&Save": "保存(&S)"})
    assert set(extraction.messages(path, translated=True)) >= {"打开", "保存"}
    assert set(extraction.messages(path, translated=False)) >= {"Open file", "Save"}


def test_tagged_news_is_joined(tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_text("19980101-01-001-001/m  [中国/ns  政府/n]nt  １２/m  月/n  ，/w\n", encoding="utf-8")
    assert list(extraction.tagged(path)) == ["中国政府12月，"]


def test_traditional_takes_the_longest_phrase(tmp_path: Path) -> None:
    (tmp_path / "STCharacters.txt").write_text("头\t頭\n发\t發 髮\n", encoding="utf-8")
    (tmp_path / "STPhrases.txt").write_text("头发\t頭髮\n", encoding="utf-8")
    assert list(extraction.to_traditional(["头发发了"], tmp_path)) == ["頭髮發了"]


def test_poems_give_titles_and_verses(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps([{"title": "春曉", "author": "孟浩然", "paragraphs": ["春眠不覺曉，"]}]))
    assert list(extraction.poems(path)) == ["春曉", "孟浩然", "春眠不覺曉，"]


def test_collected_lines_are_spelt_unique_and_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"第{n}行\u3000文字" for n in range(400)] + ["第1行 文字", "ひらがなだけ", "x"]
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(extraction, "RECIPES", {"zh": (("*.txt", extraction.plain),)})
    assert extraction.collect(tmp_path / "in", tmp_path / "out") == {"zh": 400}
    train = (tmp_path / "out/zh.txt").read_text(encoding="utf-8").splitlines()
    held = (tmp_path / "out/zh.heldout.txt").read_text(encoding="utf-8").splitlines()
    assert len(train) + len(held) == 400
    assert 1 <= len(held) <= 30
    assert not set(train) & set(held)
    assert "第7行 文字" in {*train, *held}


def test_nothing_found_is_a_clear_error_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/en.txt").write_text("My own\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("Fetched\n", encoding="utf-8")
    monkeypatch.setattr(
        extraction, "RECIPES", {"en": (("a.txt", extraction.plain),), "zh": (("b", extraction.plain),)}
    )
    with pytest.raises(TrainingError, match="No text of the kind zh"):
        extraction.collect(tmp_path, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["en.txt"]
    assert (tmp_path / "out/en.txt").read_text(encoding="utf-8") == "My own\n"
