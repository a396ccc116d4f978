from __future__ import annotations

import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.caching.key import cache_key
from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.options import ReadOptions, parse_options

switches = st.sampled_from(["off", "auto", "on"])
given_options = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([None, "a", "b"]),
        "grey": switches,
        "clahe": switches,
        "denoise": switches,
        "orientation": st.sampled_from(["off", "auto"]),
        "recheck": st.sampled_from(["off", "auto"]),
        "min_confidence": st.floats(0, 1),
    },
)
fingerprints = st.builds(Fingerprint, st.sampled_from(["a/1", "a/2", "b/1"]), st.text(max_size=5))
requests = st.tuples(st.binary(max_size=20), given_options, fingerprints)


def key(request: tuple[bytes, dict[str, object], Fingerprint]) -> str:
    picture, values, fingerprint = request
    return cache_key(picture, parse_options(values), fingerprint)


def meaning(request: tuple[bytes, dict[str, object], Fingerprint]) -> object:
    """All that decides the answer."""
    picture, values, fingerprint = request
    effective = {**ReadOptions().model_dump(), **values, "model": fingerprint.model}
    return picture, effective, fingerprint


@given(st.lists(requests, min_size=2, max_size=6))
def test_keys_are_equal_exactly_where_the_answers_must_be(
    drawn: list[tuple[bytes, dict[str, object], Fingerprint]],
) -> None:
    for first, second in combinations(drawn, 2):
        assert (key(first) == key(second)) == (meaning(first) == meaning(second))


@given(requests)
def test_a_default_counts_as_if_it_were_given(
    request: tuple[bytes, dict[str, object], Fingerprint],
) -> None:
    picture, values, fingerprint = request
    whole = {**ReadOptions().model_dump(), **values}
    assert key((picture, dict(reversed(list(whole.items()))), fingerprint)) == key(request)


@given(st.binary(max_size=30), st.integers(0, 30), st.text(max_size=30))
def test_bytes_cannot_move_from_one_part_to_another(data: bytes, cut: int, digest: str) -> None:
    whole = cache_key(data, ReadOptions(), Fingerprint("a/1", digest))
    moved = Fingerprint("a/1", digest + data[:cut].decode("latin-1"))
    other = cache_key(data[cut:], ReadOptions(), moved)
    assert (whole == other) == (not data[:cut])


def test_keys_can_stand_anywhere_and_stay_the_same() -> None:
    found = cache_key(b"picture", ReadOptions(), Fingerprint("a/1", "0"))
    assert re.fullmatch("[0-9a-f]{64}", found)
    assert found == cache_key(b"picture", ReadOptions(model="a"), Fingerprint("a/1", "0"))


def test_passwords_and_pages_have_keys_of_their_own_which_do_not_show_them() -> None:
    mark = Fingerprint("a/1", "0")
    options = [
        ReadOptions(),
        ReadOptions(password="Sesame"),
        ReadOptions(password="sesame"),
        ReadOptions(pages="1"),
        ReadOptions(ocr="never"),
    ]
    keys = [cache_key(b"picture", wanted, mark) for wanted in options]
    assert len(set(keys)) == len(options)
    assert all(re.fullmatch("[0-9a-f]{64}", found) for found in keys)
    assert "Sesame" not in repr(options[1])
