"""Adapts a recogniser: from a user's material to a checked pack, with figures of before and after."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from crnn_ocr.engine.pack_check import prove_pack
from crnn_ocr.errors import TrainingError
from crnn_ocr.models.install import check_place
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.recognition.network.buckets import Sizing
from crnn_ocr.recognition.network.load import load_pack
from crnn_ocr.training.adaptation import material, packing
from crnn_ocr.training.adaptation.base import Base, Extractor, find_pack, open_base
from crnn_ocr.training.adaptation.faces import (
    CHINESE,
    MIXING,
    Glyphs,
    OwnFirst,
    installed_faces,
    ordinary_setter,
    render_glyphs,
    user_faces,
)
from crnn_ocr.training.adaptation.graph import rounds_embedding, transplant
from crnn_ocr.training.adaptation.learn import Example, LearnConfig, Learnt, learn, rivals
from crnn_ocr.training.adaptation.lines import (
    Line,
    OrdinaryTexts,
    UserTexts,
    draw_fetched_lines,
    draw_lines,
    ordinary_characters,
    vary_pictures,
)
from crnn_ocr.training.adaptation.material import Picture, held_out, write_shorter
from crnn_ocr.training.adaptation.measure import Compared, judge, tally
from crnn_ocr.training.adaptation.packing import About
from crnn_ocr.training.adaptation.pages import PageLines, read_pages

_TEXTS_HELD_OUT_FROM = 20
"""From so many lines of text on some are kept to validate on; fewer are all learnt, and drawn once more."""
_TEXT_SHARE, _PICTURE_SHARE = 0.15, 0.2
_VALIDATED, _CHECKED = 80, 120
"""Lines drawn to validate on, and ordinary lines to check with."""
_PICTURE_ROUNDS, _MOST_VARIED = 12, 3000
"""How often every picture is shown, and how many showings there are at most without drawn lines."""
_ORDINARY_TEXTS = 0.35
"""Share of ordinary texts in the user's faces."""


@dataclass(frozen=True)
class Request:
    """An order to adapt a recogniser.

    Attributes:
        base: Name of the pack that is adapted, or its folder.
        about: Name and the like of the new pack.
        out: The new pack's folder is made in here.
        fonts: Font files, and folders of them.
        texts: UTF-8 files with lines as they are to be read.
        images: List of pictures with their texts, `file TAB text` a row.
        pages: Folder of unlabelled pages; see `pages`.
        charset: File with new characters, one a row.
        data: Folder of fetched training data, for ordinary lines; they are made without one when None.
        models_dir: Folder of the user's packs; the usual one when None.
        lines: How many lines to draw of the user's material; by the number of new characters when None.
        steps: Weight updates; by the number of lines when None.
        seed: Of all that is drawn.
        threads: PyTorch's.
        force: Write the pack even if ordinary lines suffer.
    """

    base: str
    about: About
    out: Path
    fonts: tuple[Path, ...] = ()
    texts: tuple[Path, ...] = ()
    images: Path | None = None
    pages: Path | None = None
    charset: Path | None = None
    data: Path | None = None
    models_dir: Path | None = None
    lines: int | None = None
    steps: int | None = None
    seed: int = 0
    threads: int = 1
    force: bool = False


@dataclass(frozen=True)
class Report:
    """The result of adapting.

    Attributes:
        pack: The new pack.
        compared: What was read before and after.
        material: What was learnt from, in sentences.
        remarks: What the user should know.
    """

    pack: Pack
    compared: tuple[Compared, ...]
    material: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Material:
    """All that lines are made from."""

    base: Base
    glyphs: Glyphs
    new: tuple[str, ...]
    drawable_new: tuple[str, ...]
    texts: tuple[str, ...]
    pictures: tuple[Picture, ...]
    draws: bool
    data: Path | None
    seed: int
    told: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        """Greatest width of one run of the network, less its margin, and height."""
        sizing = Sizing()
        return min(1280, self.base.manifest.max_width - sizing.margin), self.base.manifest.input_height

    def hosts(self, seed: int) -> OrdinaryTexts:
        return OrdinaryTexts(self.base.known, self.glyphs, self.seed + seed)

    def own(self, texts: Sequence[str], seed: int) -> Iterator[Line]:
        mixed = _ORDINARY_TEXTS if self.glyphs.own else 0.0
        source = UserTexts(texts, self.drawable_new, self.hosts(seed), self.seed + seed, mixed=mixed)
        return draw_lines(source, OwnFirst(self.glyphs), self.size, self.seed + seed, familiar=False)

    def ordinary(self, seed: int, *, held_out: bool) -> Iterator[Line]:
        if self.data is not None:
            return draw_fetched_lines(
                self.data, self.base.known, self.size, self.seed + seed, held_out=held_out
            )
        return draw_lines(
            self.hosts(seed), ordinary_setter(self.glyphs), self.size, self.seed + seed, familiar=True
        )


def adapt(request: Request, check: Callable[[Pack], None] = prove_pack) -> Report:
    """Adapt a recogniser and write the new pack.

    Args:
        request: What is asked for.
        check: What the new pack must pass, `force` or not; that of `crnn-ocr models add`.

    Raises:
        ModelNotFoundError: The base is not installed.
        ModelBrokenError: The base cannot be used, or the new pack does not pass the check.
        ModelInstallError: Something that is no pack has the new one's place.
        TrainingError: Something of the material cannot be used, the pack cannot be written, or the result
            reads ordinary lines worse than before.
    """
    torch.set_num_threads(request.threads)
    if not (request.fonts or request.texts or request.images or request.pages or request.charset):
        raise TrainingError(
            "There is nothing to learn from.", hint="Give --pages, --fonts, --text, --images or --charset."
        )
    for name in ("lines", "steps", "threads"):
        value = getattr(request, name)
        if value is not None and value < 1:
            raise TrainingError(f"--{name} must be at least 1, not {value}.", hint=f"Leave --{name} out.")
    base = open_base(find_pack(request.base, Registry(request.models_dir)))
    packing.manifest(base, request.about)  # an impossible name is to be told of now, not in the end
    check_place(request.out / request.about.name)
    with tempfile.TemporaryDirectory(prefix="crnn-ocr-adapt-") as folder:
        return _adapt(request, base, Path(folder), check)


def _adapt(request: Request, base: Base, folder: Path, check: Callable[[Pack], None]) -> Report:
    before = load_pack(base.pack, cache_dir=folder)
    given = _gather(request, base, folder)
    kept_texts, learnt_texts = _split(given.texts)
    shown, learnt_pictures = _split_pictures(given.pictures)
    if given.pictures and not shown:
        given.remarks.append(
            "With fewer than five pictures none was held out: nothing tells how new ones are read."
        )

    count = request.lines or min(6000, max(800, 30 * len(given.new)))
    count = count if given.draws else 0
    varied = min(max(count, _MOST_VARIED), _PICTURE_ROUNDS * len(learnt_pictures))
    familiar = max(300, (3 * (count + varied)) // 4) if request.lines is None else count + varied
    wanted = [
        itertools.islice(given.own(learnt_texts, 1), count),
        itertools.islice(vary_pictures(learnt_pictures, request.seed), varied),
        itertools.islice(given.ordinary(2, held_out=False), familiar),
    ]
    given.told.append(f"{count + varied} lines of the material and {familiar} ordinary ones")
    extractor = Extractor(base, before)
    total = count + varied + familiar
    examples = _examples(
        tqdm(itertools.chain(*wanted), "drawing", total, unit="line", disable=None), given, extractor
    )
    learnt = _learn(request, base, given, examples)
    model = transplant(
        base.model,
        base.parts,
        learnt.head,
        learnt.correction,
        learnt.reach if rounds_embedding(base.model) else None,
    )
    made = folder / "made"
    made.mkdir()
    pack = packing.write(base, model, given.new, request.about, made, check)
    after = load_pack(pack, cache_dir=folder)

    sets: dict[str, list[Line]] = {}
    if shown:
        sets["pictures held out"] = [Line(p.image, p.text, familiar=False) for p in shown]
    if given.draws:
        name = "drawn, text held out" if kept_texts else "drawn"
        sets[name] = list(itertools.islice(given.own(kept_texts or learnt_texts, 3), _VALIDATED))
    sets["ordinary"] = list(itertools.islice(given.ordinary(4, held_out=True), _CHECKED))
    compared = []
    for name, lines in tqdm(sets.items(), "comparing", unit="set", disable=None):
        compared.append(Compared(name, tally(before, lines, given.new), tally(after, lines, given.new)))
    given.remarks.extend(judge(compared, force=request.force))
    packing.write_card(pack, base, given.new, given.told, compared)
    moved = packing.move(made, request.out, request.about.name)
    return Report(Pack(moved, pack.manifest), tuple(compared), tuple(given.told), tuple(given.remarks))


def _gather(request: Request, base: Base, folder: Path) -> _Material:
    """Read and check all that the user brings, and render the glyphs."""
    new = material.read_new_characters(request.charset, base.known) if request.charset else ()
    known = base.known | frozenset(new)
    texts, unknown = material.read_texts(request.texts, known)
    pictures = material.read_pictures(request.images, known) if request.images else ()
    scanned = _scanned(request, base, known)
    own = user_faces(request.fonts)
    shown = [*CHINESE, *MIXING, *new, *"".join(texts)]
    needed = [*ordinary_characters(base.known, request.seed), *shown]
    glyph_folder = folder / "glyphs"
    glyph_folder.mkdir()
    glyphs = render_glyphs(own, installed_faces(), needed, glyph_folder)
    given = _Material(
        base,
        glyphs,
        new,
        tuple(c for c in new if c in glyphs.drawable),
        tuple(text for text in texts if not glyphs.lacking(text)),
        (*pictures, *(scanned.pictures if scanned else ())),
        bool(request.fonts or request.texts or any(c in glyphs.drawable for c in new)),
        request.data,
        request.seed,
    )
    _check_glyphs(given, texts)
    if scanned:
        given.told.append(scanned.told)
        given.remarks.extend((f"Learnt from {scanned.told}.", *scanned.left))
    _tell(given, request, texts, unknown, [face.name for face in own])
    return given


def _scanned(request: Request, base: Base, known: frozenset[str]) -> PageLines | None:
    """Return what the user's pages give; their labels are kept beside the new pack."""
    if request.pages is None:
        return None
    labels = request.out / f"{request.about.name}.labels"
    return read_pages(request.pages, labels, base.pack, Registry(request.models_dir), known)


def _check_glyphs(given: _Material, texts: Sequence[str]) -> None:
    """Refuse what no font can draw and no picture shows.

    Raises:
        TrainingError: There is such a character, or it leaves no text.
    """
    pictured = frozenset("".join(picture.text for picture in given.pictures))
    missing = [c for c in given.glyphs.lacking(given.new) if c not in pictured]
    if missing:
        raise TrainingError(
            f"No font has a glyph for {write_shorter(missing)}, and no picture shows it.",
            hint="Name a font that has one with --fonts, add labelled pictures, or take it off the list.",
        )
    if texts and not given.texts:
        lacking = write_shorter(given.glyphs.lacking("".join(texts)))
        raise TrainingError(
            f"No font can draw the text: there is no glyph for {lacking}.",
            hint="Name fonts with these characters with --fonts.",
        )


def _tell(
    given: _Material, request: Request, texts: Sequence[str], unknown: dict[str, int], own: Sequence[str]
) -> None:
    """Write down what there is, and what about it is remarkable."""
    if own:
        given.told.append(f"{len(own)} faces: " + ", ".join(own[:8]) + (" …" if len(own) > 8 else ""))
    if given.texts:
        given.told.append(f"{len(given.texts)} lines of text")
    if given.pictures:
        given.told.append(f"{len(given.pictures)} pictures of lines")
    if unknown:
        given.remarks.append(
            "Lines of text were left out, as they have characters that the recogniser lacks: "
            f"{write_shorter(unknown)}. To have these learnt, list them in a file for --charset."
        )
    if len(given.texts) < len(texts):
        lacking = write_shorter(given.glyphs.lacking("".join(texts)))
        given.remarks.append(f"Lines of text that no font can draw were left out: {lacking}.")
    faces = given.glyphs.atlas.faces[: given.glyphs.own]
    wanted = [c for c in dict.fromkeys([*given.drawable_new, *"".join(given.texts)]) if c != " "]
    borrowed = [c for c in wanted if not any(face.covers(given.glyphs.ids[c]) for face in faces)]
    if request.fonts and borrowed:
        given.remarks.append(
            f"Drawn in other fonts, as yours have no glyph for them: {write_shorter(borrowed)}."
        )
    respell = material.speller(given.base.known)
    twins = [c for c in given.new if respell(c) != c]
    if twins:
        given.remarks.append(f"In print these look like characters that are known: {write_shorter(twins)}.")
    if not given.glyphs.chinese and given.data is None and "中" in given.base.known:
        given.remarks.append(
            "No font for Chinese is installed: Chinese lines were neither rehearsed nor checked. "
            "Install one (Debian: fonts-wqy-zenhei) or name one with --fonts."
        )


def _split(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the texts to validate on, and those to learn."""
    if len(texts) < _TEXTS_HELD_OUT_FROM:
        return (), tuple(texts)
    kept = tuple(text for text in texts if held_out(text, _TEXT_SHARE))
    return kept, tuple(text for text in texts if not held_out(text, _TEXT_SHARE))


def _split_pictures(pictures: Sequence[Picture]) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """Return the pictures to validate on, and those to learn."""
    if len(pictures) < 5:
        return (), tuple(pictures)
    ranked = sorted(pictures, key=lambda picture: material.rank(picture.name))
    count = max(1, round(_PICTURE_SHARE * len(pictures)))
    return tuple(ranked[:count]), tuple(ranked[count:])


def _examples(lines: Iterable[Line], given: _Material, extractor: Extractor) -> list[Example]:
    """Run the kept part of the network over lines."""
    base = given.base
    index = {text: number for number, text in enumerate((*base.characters, *given.new)) if text}
    same = base.parts.features == (base.parts.embedding,)
    found, too_long = [], 0
    for line in lines:
        steps = extractor.run(line.image)
        if steps is None:
            too_long += 1
            continue
        embedding = steps.embedding.astype(np.float16)
        features = embedding if same else steps.features.astype(np.float16)
        label = np.array([index[c] for c in line.text if c in index], np.int64)
        likely = rivals(steps.embedding, base.parts.head, base.manifest.blank)
        found.append(Example(embedding, features, label, likely, line.familiar))
    if too_long:
        given.remarks.append(
            f"{too_long} lines were too long for one run of the network and were not learnt from."
        )
    if not any(not example.familiar for example in found):
        raise TrainingError("Nothing is left to learn from.", hint="Cut pictures into shorter lines.")
    return found


def _learn(request: Request, base: Base, given: _Material, examples: Sequence[Example]) -> Learnt:
    steps = request.steps or min(3000, max(200, round(0.45 * len(examples))))
    with tqdm(total=steps, desc="learning", unit="step", disable=None) as bar:

        def progress(done: int, loss: float) -> None:
            bar.update(done - bar.n)
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)

        config = LearnConfig(steps=steps, seed=request.seed)
        return learn(base.parts.head, len(given.new), base.manifest.blank, examples, config, progress)
