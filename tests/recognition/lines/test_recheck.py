from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.lines.recheck import Policy, Stretch, most_doubtful, splice, stretches
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from crnn_ocr.recognition.text.postprocess import tidy

POLICY = Policy()
#: A line's height is one em, so that one character per height stands in it.
SURE, UNSURE = 0.99, 0.4


def line(
    text: str, unsure: str = "", *, confidence: float = SURE, start: float = 0.0, end: float = 1.0
) -> Reading:
    """Return a reading with equally wide characters; those in `unsure` are in doubt."""
    width = (end - start) / max(len(text), 1)
    chars = tuple(
        ReadChar(char, UNSURE if char in unsure else confidence, start + i * width, start + (i + 1) * width)
        for i, char in enumerate(text)
    )
    return Reading(text, confidence, chars)


def chosen(reading: Reading, aspect: float) -> list[str]:
    # A little wider, so that no border falls on another by rounding.
    return [reading.text[s.first : s.last] for s in stretches(reading, 1.01 * aspect, POLICY)]


@st.composite
def readings(draw: st.DrawFn, most: int = 30) -> Reading:
    """Draw any line of contiguous characters of uneven widths."""
    drawn = draw(st.lists(st.tuples(st.sampled_from("ab1.中文字○㎡ "), st.floats(0, 1)), max_size=most))
    places = sorted(draw(st.lists(st.floats(0, 1), min_size=len(drawn) + 1, max_size=len(drawn) + 1)))
    chars = tuple(
        ReadChar(text, confidence, left, right)
        for (text, confidence), (left, right) in zip(drawn, itertools.pairwise(places), strict=True)
    )
    confidence = draw(st.floats(0, 1))
    return tidy(Reading("".join(char.text for char in chars), confidence, chars))


aspects = st.floats(0.05, 80)
policies = st.builds(
    Policy,
    unsure=st.floats(0, 1),
    context=st.floats(0, 3),
    narrowest=st.floats(0, 5),
    apart=st.floats(0.01, 2),
    whole=st.floats(0, 1.1),
    hole=st.floats(1, 3),
    edge=st.floats(0.1, 3),
)


@st.composite
def second_looks(draw: st.DrawFn) -> tuple[Reading, list[tuple[Stretch, Reading]]]:
    """Draw a line, the stretches chosen from it, and any second readings of these."""
    reading = draw(readings())
    found = stretches(reading, draw(aspects), draw(policies))
    return reading, [(stretch, draw(st.one_of(readings(8), like(reading, stretch)))) for stretch in found]


@st.composite
def like(draw: st.DrawFn, reading: Reading, stretch: Stretch) -> Reading:
    """Draw the reading of a second reader that mostly agrees."""
    width = max(stretch.end - stretch.start, 1e-9)
    chars = []
    for char in reading.chars[stretch.first : stretch.last]:
        start = min(max((char.start - stretch.start) / width, 0), 1)
        end = min(max((char.end - stretch.start) / width, 0), 1)
        text = draw(st.sampled_from(char.text * 5 + "b字 "))
        chars.append(ReadChar(text, draw(st.floats(0, 1)), start, end))
    return tidy(Reading("".join(char.text for char in chars), draw(st.floats(0, 1)), tuple(chars)))


# ---- where to look


@given(readings(), aspects, policies)
def test_stretches_are_disjoint_parts_cut_between_characters(
    reading: Reading, aspect: float, policy: Policy
) -> None:
    found = stretches(reading, aspect, policy)

    for stretch in found:
        assert 0 <= stretch.first < stretch.last <= len(reading.chars)
        assert 0.0 <= stretch.start <= stretch.end <= 1.0
        assert stretch.start == (reading.chars[stretch.first].start if stretch.first else 0.0)
        at_end = stretch.last == len(reading.chars)
        assert stretch.end == (1.0 if at_end else reading.chars[stretch.last].start)
        assert (stretch.start == 0.0, stretch.end == 1.0) == (stretch.first == 0, at_end)
        begin, behind = stretch.columns(100)
        assert 0 <= begin < behind <= 100
        assert begin <= 100 * stretch.start <= 100 * stretch.end <= behind
    for left, right in itertools.pairwise(found):
        assert left.last < right.first
        assert left.end < right.start


@given(readings(), aspects, policies)
def test_every_doubt_is_looked_at_with_its_context(reading: Reading, aspect: float, policy: Policy) -> None:
    found = stretches(reading, aspect, policy)

    for i, char in enumerate(reading.chars):
        if char.confidence < policy.unsure and char.text != " ":
            stretch = next(s for s in found if s.first <= i < s.last)
            assert stretch.start <= max(0.0, char.start - policy.context / aspect)
            assert stretch.end >= min(1.0, char.end + policy.context / aspect)


@given(readings(), aspects)
def test_sure_lines_without_holes_are_not_read_again(reading: Reading, aspect: float) -> None:
    trusting = replace(POLICY, unsure=0.0, hole=math.inf, edge=math.inf)

    assert stretches(reading, aspect, trusting) == ()


@given(readings(), st.floats(1, 40))
def test_further_doubts_are_read_again_with_their_context(reading: Reading, aspect: float) -> None:
    further = [(char.start, char.end) for char in reading.chars[:1]]
    found = stretches(reading, aspect, Policy(), further)
    assert bool(found) == bool(reading.chars)
    if reading.chars:
        assert found[0].first == 0


def test_an_empty_line_is_not_read_again() -> None:
    assert stretches(Reading("", 0.0), 10.0, POLICY) == ()
    assert splice(Reading("", 0.0), []) == Reading("", 0.0)


def test_a_doubt_takes_its_neighbours_along() -> None:
    text = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"

    assert chosen(line(text, "壬"), 20.0) == ["辛壬癸"]
    assert chosen(line(text, "壬寅"), 20.0) == ["辛壬癸", "丑寅卯"]
    assert chosen(line(text, "壬丑"), 20.0) == ["辛壬癸子丑寅"]  # the contexts touch
    assert chosen(line(text, "乙"), 20.0) == ["甲乙丙"]
    assert chosen(line(text, "甲"), 20.0) == ["甲乙"]
    assert chosen(line(text, "酉"), 20.0) == ["申酉"]


def test_narrow_characters_take_more_neighbours_along() -> None:
    text = "abcdefghijklmnopqrstuvwxyz"

    assert chosen(line(text, "m"), len(text) / 2) == ["jklmnop"]


def test_a_stretch_of_nearly_the_whole_line_is_the_line() -> None:
    assert chosen(line("甲乙丙丁戊", "丙"), 5.0) == ["甲乙丙丁戊"]
    assert chosen(line("甲", "甲"), 1.0) == ["甲"]
    assert chosen(line("甲乙丙丁戊己庚辛壬癸", "乙戊辛"), 10.0) == ["甲乙丙丁戊己庚辛壬癸"]


def test_an_unsure_space_is_no_doubt() -> None:
    assert chosen(line("No. 4711 of 2026", " "), 8.0) == []


def test_a_hole_between_han_characters_is_a_doubt() -> None:
    sure = line("天地玄黄宇宙洪荒日月盈昃")
    left, right = sure.chars[:6], sure.chars[7:]
    # As `ctc.extents` puts it where nothing was read: the border is in the middle of the hole.
    middle = (sure.chars[6].start + sure.chars[6].end) / 2
    chars = (*left[:-1], replace(left[-1], end=middle), replace(right[0], start=middle), *right[1:])
    holed = Reading("".join(char.text for char in chars), SURE, chars)

    assert chosen(sure, 12.0) == []
    assert chosen(holed, 12.0) == ["宇宙荒日"]


@pytest.mark.parametrize(
    ("start", "end", "found"), [(0.2, 1.0, ["甲"]), (0.0, 0.8, ["辛"]), (0.05, 0.95, [])]
)
def test_a_hole_at_an_end_is_a_doubt(start: float, end: float, found: list[str]) -> None:
    assert chosen(line("甲乙丙丁戊己庚辛", start=start, end=end), 10.0) == found


# ---- what to take


@given(second_looks())
def test_nothing_outside_the_stretches_changes(case: tuple[Reading, list[tuple[Stretch, Reading]]]) -> None:
    reading, seconds = case
    result = splice(reading, seconds)

    if not seconds:
        assert result is reading
        return
    rest = list(result.chars)
    assert rest[: seconds[0][0].first] == list(reading.chars[: seconds[0][0].first])
    behind = len(reading.chars) - seconds[-1][0].last
    assert rest[len(rest) - behind :] == list(reading.chars[len(reading.chars) - behind :])
    for (left, _), (right, _) in itertools.pairwise(seconds):
        between = list(reading.chars[left.last : right.first])
        assert between in [rest[i : i + len(between)] for i in range(len(rest))]


@given(second_looks())
def test_characters_stay_in_order_within_the_line(
    case: tuple[Reading, list[tuple[Stretch, Reading]]],
) -> None:
    result = splice(*case)

    assert result.text == "".join(char.text for char in result.chars)
    assert 0.0 <= result.confidence <= 1.0
    assert all(0.0 <= char.start <= char.end <= 1.0 for char in result.chars)
    assert all(left.end <= right.start for left, right in itertools.pairwise(result.chars))


@given(second_looks())
def test_a_less_sure_reader_changes_no_text(case: tuple[Reading, list[tuple[Stretch, Reading]]]) -> None:
    reading, seconds = case
    weak = [
        (stretch, replace(second, chars=tuple(replace(char, confidence=0.0) for char in second.chars)))
        for stretch, second in seconds
    ]

    assert splice(reading, weak).text == reading.text


@given(readings(), aspects, policies)
def test_agreement_changes_no_text_and_makes_surer(reading: Reading, aspect: float, policy: Policy) -> None:
    seconds = []
    for stretch in stretches(reading, aspect, policy):
        width = stretch.end - stretch.start
        chars = tuple(
            replace(
                char,
                confidence=1.0,
                start=(char.start - stretch.start) / width,
                end=(char.end - stretch.start) / width,
            )
            for char in reading.chars[stretch.first : stretch.last]
        )
        seconds.append((stretch, Reading("".join(char.text for char in chars), 1.0, chars)))

    result = splice(reading, seconds)

    assert result.text == reading.text
    assert result.confidence >= reading.confidence
    assert all(a.confidence >= b.confidence for a, b in zip(result.chars, reading.chars, strict=True))


def look(first: Reading, second: str, stretch: Stretch | None = None, *, confidence: float = 0.95) -> str:
    stretch = stretch or Stretch(0, len(first.chars), 0.0, 1.0)
    return splice(first, [(stretch, line(second, confidence=confidence))]).text


def test_the_surer_text_between_agreements_is_taken() -> None:
    first = line("检素参考号码", "素")

    assert look(first, "检索参考号码") == "检索参考号码"
    assert look(first, "检索参考号码", confidence=0.3) == "检素参考号码"


def test_disagreement_with_the_second_reader_lowers_confidence() -> None:
    assert look(line("真击一百", confidence=0.97), "直击一百", confidence=0.8) == "直击一百"
    assert look(line("真击一百", confidence=0.97), "直击一百", confidence=0.6) == "真击一百"
    assert look(line("真击一百", confidence=0.55), "直击一百", confidence=0.6) == "直击一百"


@pytest.mark.parametrize("unsure", ["乙", "囍", "丁囍"])
@pytest.mark.parametrize("theirs", ["甲乙喜丁戊", "甲乙士喜丁戊", "甲乙丁戊"])
def test_a_character_that_the_better_reader_does_not_know_stays(unsure: str, theirs: str) -> None:
    first = line("甲乙囍丁戊", unsure)
    seconds = [(Stretch(0, 5, 0.0, 1.0), line(theirs, confidence=1.0))]
    assert splice(first, seconds, "甲乙囍喜士丁戊").text == theirs
    assert splice(first, seconds, "甲乙喜士丁戊").text == "甲乙囍丁戊"


def test_a_reader_is_used_beside_characters_unknown_to_it() -> None:
    first = line("甲己囍丁戊", "己囍")
    seconds = [(Stretch(0, 5, 0.0, 1.0), line("甲乙丙囍丁戊".replace("囍", "喜"), confidence=0.9))]
    assert splice(first, seconds, "甲乙丙喜丁戊己").text == "甲己囍丁戊"  # not told apart: both stay
    seconds = [(Stretch(0, 5, 0.0, 1.0), line("甲己喜丁戌", confidence=0.9))]
    first = line("甲己囍丁戊", "囍戊")
    assert splice(first, seconds, "甲己喜丁戊戌").text == "甲己囍丁戌"


def test_normalised_forms_count_as_known_characters() -> None:
    first = line("面积９㎡整", "面")
    seconds = [(Stretch(0, 5, 0.0, 1.0), line("面积8m2整", confidence=0.9))]
    assert splice(first, seconds, "面积0123456789m整").text == "面积8m2整"


def test_lost_characters_are_added_and_invented_ones_dropped() -> None:
    assert look(line("80,00,000"), "80,000,000") == "80,000,000"
    assert look(line("110°°C", "°"), "110°C") == "110°C"
    assert look(line("肌出现功能"), "骼肌出现功能") == "骼肌出现功能"
    assert look(line("|所引起", "|"), "所引起") == "所引起"


@pytest.mark.parametrize(
    ("first", "unsure", "second", "expected"),
    [
        ("heavy fire of", "i", "heavy fre of", "heavy fire of"),  # an f takes what is tied to it along
        ("the office", "f", "the ofice", "the office"),
        ("a jiaw bone", "i", "a jaw bone", "a jaw bone"),
        ("heavy fmire of", "m", "heavy fire of", "heavy fire of"),
        ("No. 4i12 of", "i", "No. 412 of", "No. 412 of"),  # not inside a word
        ("one — two", "—", "one – two", "one — two"),  # how long a dash is, its ink has told
        ("one - two", "-", "one – two", "one – two"),
    ],
)
def test_typical_errors_of_the_second_reader_are_rejected(
    first: str, unsure: str, second: str, expected: str
) -> None:
    reading = line(first, unsure)
    stretch = Stretch(0, len(first), 0.0, 1.0)

    assert splice(reading, [(stretch, line(second))]).text == expected


def test_without_anchors_on_both_sides_the_first_stays() -> None:
    first = line("甲乙丙丁戊己庚辛", "丁戊")
    inner = Stretch(2, 6, 0.25, 0.75)

    assert look(first, "丙子丑己", inner) == "甲乙丙子丑己庚辛"
    assert look(first, "丙子丑寅", inner) == "甲乙丙丁戊己庚辛"
    assert look(first, "寅子丑己", inner) == "甲乙丙丁戊己庚辛"
    assert look(first, "子丑寅卯", inner) == "甲乙丙丁戊己庚辛"
    assert look(first, "", inner) == "甲乙丙丁戊己庚辛"


def test_the_ends_of_the_line_are_anchors() -> None:
    first = line("甲乙丙丁戊己庚辛", "甲辛")

    assert look(first, "子乙丙", Stretch(0, 3, 0.0, 0.375)) == "子乙丙丁戊己庚辛"
    assert look(first, "己庚丑", Stretch(5, 8, 0.625, 1.0)) == "甲乙丙丁戊己庚丑"
    assert look(line("甲乙", "甲乙"), "子丑寅") == "子丑寅"


def test_the_same_character_elsewhere_is_no_agreement() -> None:
    first = line("一二三四五六七八九", "五")

    assert look(first, "九子丑寅卯辰巳午一") == "九子丑寅卯辰巳午一"
    assert look(first, "九子丑寅卯辰巳午一", Stretch(0, 9, 0.0, 0.99)) == first.text


def test_readers_who_agree_on_nothing_do_not_shorten_a_line() -> None:
    assert look(line("一二三四五六七八九", "五"), "子") == "一二三四五六七八九"
    assert look(line("甲乙", "甲乙"), "") == "甲乙"


def test_full_and_half_width_are_the_same_reading() -> None:
    assert look(line("（100㎡）", "（㎡）"), "(100m2)") == "（100㎡）"


def test_places_are_those_of_the_line() -> None:
    first = line("甲乙丙丁戊己庚辛", "丁")
    result = splice(first, [(Stretch(2, 5, 0.25, 0.625), line("丙子丑戊", confidence=0.97))])

    assert result.text == "甲乙丙子丑戊己庚辛"
    assert [char.confidence for char in result.chars[2:6]] == [SURE, 0.97, 0.97, SURE]
    middles = [(char.start + char.end) / 2 for char in result.chars]
    assert middles[3:5] == pytest.approx([0.25 + 0.375 * 3 / 8, 0.25 + 0.375 * 5 / 8], abs=0.02)
    assert middles == sorted(middles)


def test_a_line_is_surer_after_its_doubt_is_settled() -> None:
    first = replace(line("检素参考号码", "素"), confidence=0.6)
    whole = Stretch(0, 6, 0.0, 1.0)

    settled = splice(first, [(whole, line("检索参考号码"))])
    open_still = splice(first, [(whole, line("检□参考号码", "□", confidence=0.9))])

    assert 0.9 < settled.confidence <= 1.0
    assert open_still.confidence == pytest.approx(0.6)


def test_with_too_many_stretches_the_most_doubtful_for_their_width_are_read() -> None:
    def part(confidence: float, width: float) -> tuple[Reading, Stretch, float]:
        read = Reading("甲", confidence, (ReadChar("甲", confidence, 0.0, 1.0),))
        return read, Stretch(0, 1, 0.0, 1.0), width

    parts = [part(0.8, 3.0), part(0.3, 3.0), part(0.3, 30.0), part(0.5, 3.0)]
    assert most_doubtful(parts, Policy(most=39.0)) == (0, 1, 2, 3)
    assert most_doubtful(parts, Policy(most=8.0)) == (1, 3)
    assert most_doubtful(parts, Policy(most=1.0)) == ()


@given(st.lists(readings(), max_size=6), st.floats(1, 40))
def test_the_chosen_stretches_are_no_wider_than_the_page_may_have(drawn: list[Reading], most: float) -> None:
    parts = [
        (reading, stretch, 10 * (stretch.end - stretch.start))
        for reading in drawn
        for stretch in stretches(reading, 10.0, Policy())
    ]
    chosen_parts = most_doubtful(parts, Policy(most=most))
    assert list(chosen_parts) == sorted(set(chosen_parts))
    assert sum(parts[at][2] for at in chosen_parts) <= most or len(chosen_parts) == len(parts)
