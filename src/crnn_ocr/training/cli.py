"""`crnn-ocr train …`: fit, evaluate, export and plot from the command line."""

from __future__ import annotations

import argparse
import functools
import json
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crnn_ocr.errors import MissingExtraError, TrainingError

if TYPE_CHECKING:
    from crnn_ocr.training.evaluate import LineSet
    from crnn_ocr.training.loader import Sampler, TeacherFiles
    from crnn_ocr.training.networks import Network
    from crnn_ocr.training.parallel import Peers

Subparsers = Any  # argparse keeps the type of `add_subparsers`' answer private


def add_parser(subparsers: Subparsers) -> None:
    """Add `train` with its commands to the program's commands."""
    parser = subparsers.add_parser(
        "train",
        help="train, evaluate and export recognisers",
        description="Train, evaluate and export recognisers.",
    )
    add_commands(parser.add_subparsers(dest="train_command", required=True, metavar="COMMAND"))


def add_commands(commands: Subparsers) -> None:
    """Add the commands of the network half."""
    fit = commands.add_parser("fit", help="train a network, or go on training it")
    fit.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of checkpoints, log and curve"
    )
    fit.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of fonts and texts (`crnn-ocr train fetch`)"
    )
    fit.add_argument("--resume", type=Path, metavar="FILE", help="checkpoint to go on from (.pt or .npz)")
    fit.add_argument("--hours", type=float, default=2.0, help="budget of training time over all sittings [2]")
    fit.add_argument("--rate", type=float, default=None, help="learning rate on the plateau")
    fit.add_argument("--teacher", type=Path, metavar="ONNX", help="recogniser to learn from")
    fit.add_argument("--teacher-dictionary", type=Path, metavar="TXT", help="the teacher's characters")
    fit.add_argument(
        "--features", type=Path, metavar="ONNX", help="keep this recogniser's convolutions as they are"
    )
    fit.add_argument(
        "--shape", type=json.loads, default={}, metavar="JSON", help="fields of the network's shape"
    )
    fit.add_argument(
        "--eval", type=Path, action="append", default=[], metavar="DIR", help="folder with labels.tsv"
    )
    fit.add_argument(
        "--heldout", action="append", default=None, metavar="NAME", help="held-out sets to measure"
    )
    fit.add_argument(
        "--heldout-lines", type=int, default=200, metavar="COUNT", help="lines of each of them [200]"
    )
    fit.add_argument("--workers", type=int, default=1, help="rendering processes [1]")
    fit.add_argument("--processes", type=int, default=1, help="training processes, each with its workers [1]")
    fit.add_argument("--threads", type=int, default=1, help="PyTorch's threads [1]")
    fit.add_argument(
        "--half", action=argparse.BooleanOptionalAction, default=None, help="bfloat16 [if supported]"
    )
    fit.add_argument("--evaluate-every", type=float, default=900.0, metavar="SECONDS")
    fit.add_argument("--seed", type=int, default=0)
    fit.set_defaults(run_command=_fit)

    test = commands.add_parser("evaluate", help="measure a network on labelled lines")
    test.add_argument("model", type=Path, help="checkpoint (.pt, .npz) or exported network (.onnx)")
    test.add_argument("--characters", type=Path, metavar="TXT", help="of an exported network [beside it]")
    test.add_argument("--height", type=int, default=48, help="of an exported network's input [48]")
    test.add_argument("folders", type=Path, nargs="+", help="folders with labels.tsv")
    test.add_argument("--ignore-case", action="store_true")
    test.set_defaults(run_command=_evaluate)

    write = commands.add_parser("export", help="write a checkpoint as one ONNX file")
    write.add_argument("checkpoint", type=Path)
    write.add_argument("target", type=Path, help="ONNX file; the characters go beside it as .txt")
    write.set_defaults(run_command=_export)

    shrink = commands.add_parser("quantize", help="write the INT8 form of an exported network")
    shrink.add_argument("model", type=Path)
    shrink.add_argument("target", type=Path)
    shrink.add_argument("--lines", type=Path, required=True, metavar="DIR", help="folder with labels.tsv")
    shrink.add_argument(
        "--percentile", type=float, help="clip activations to this share of their values, in %%"
    )
    shrink.set_defaults(run_command=_quantize)

    draw = commands.add_parser("plot", help="draw the curve of a run")
    draw.add_argument("folder", type=Path)
    draw.set_defaults(run_command=_plot)


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen command; returns the exit code."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "Training needs PyTorch.", hint="Install it: pip install 'crnn-ocr[train]'."
        ) from error
    command: Callable[[argparse.Namespace], int] = arguments.run_command
    return command(arguments)


def _fit(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training import parallel, plots

    work = functools.partial(_fit_beside, arguments)
    with parallel.together(arguments.processes, work) as peers:
        _fit_with(peers, arguments)
    plots.plot(arguments.out)
    return 0


def _fit_beside(arguments: argparse.Namespace, rank: int, size: int, meeting: Path) -> None:
    """Train in a process beside the first one."""
    from crnn_ocr.training.parallel import Group

    group = Group(rank, size, meeting)
    _fit_with(group, arguments)
    group.close()


def _fit_with(peers: Peers, arguments: argparse.Namespace) -> None:
    from crnn_ocr.training import checkpoint, networks
    from crnn_ocr.training.loader import SEED_STRIDE, Loader, LoaderConfig
    from crnn_ocr.training.ppocr_features import FeatureNetConfig
    from crnn_ocr.training.teacher import Teacher
    from crnn_ocr.training.trainer import TrainConfig, Trainer

    state = checkpoint.load(arguments.resume) if arguments.resume else None
    height = state.net.get("height", 48) if state else arguments.shape.get("height", 48)
    make_sampler, characters, heldout = _data(arguments, height, measured=not peers.rank)
    if state is not None:
        state = checkpoint.recast(state, characters)
        shape = networks.configuration(state.net)
    else:
        kind = {"kind": "features", "model": str(arguments.features)} if arguments.features else {}
        shape = networks.configuration({"classes": len(characters), **kind, **arguments.shape})
    features = Path(shape.model) if isinstance(shape, FeatureNetConfig) else None
    teacher = _teacher_files(arguments)
    head = Teacher(teacher.model, teacher.dictionary).head if teacher else None
    scale = dict(state.teacher) if state else {}
    if features:
        scale = {}  # the embedding is the teacher's own
    elif teacher and not scale:
        scale = measure_teacher(teacher, make_sampler(arguments.seed), characters)
    if teacher and scale:
        teacher = replace(teacher, mean=np.array(scale["mean"], np.float32), std=scale["std"])
    config = TrainConfig(
        hours=arguments.hours,
        threads=arguments.threads,
        half=_supports_half() if arguments.half is None else arguments.half,
        evaluate_every=arguments.evaluate_every,
        seed=arguments.seed,
    )
    if features:
        gentle = replace(config.schedule, head_rate=0.05, head_start=0.0, ctc_start=1.0)
        config = replace(config, schedule=gentle)
    if arguments.rate is not None:
        config = replace(config, schedule=replace(config.schedule, rate=arguments.rate))
    trainer = Trainer(
        config,
        shape,
        characters,
        arguments.out,
        teacher=head,
        teacher_scale=scale,
        sets=[*heldout, *_folders(arguments.eval, shape.height)],
        peers=peers,
    )
    if state is not None:
        trainer.restore(state)
    # A resumed run goes on with lines that it has not seen; no two processes see the same.
    seen = int(trainer.counters["lines"]) + 1000 * SEED_STRIDE * peers.rank
    loading = LoaderConfig(
        height=shape.height, stride=shape.stride, workers=arguments.workers, seed=arguments.seed + seen
    )
    if not peers.rank:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: trainer.stop())
    with Loader(make_sampler, characters, loading, None if features else teacher, features) as loader:
        trainer.run(loader)


def _evaluate(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.evaluate import evaluate, graph_reader, load_folder, network_reader

    height = arguments.height
    if arguments.model.suffix == ".onnx":
        listed = arguments.characters or arguments.model.with_suffix(".txt")
        read = graph_reader(arguments.model, ("", *_read_characters(listed)))
    else:
        net, characters = load_network(arguments.model)
        height, read = net.config.height, network_reader(net, characters)
    sets = [
        load_folder(folder, height=height, ignore_case=arguments.ignore_case) for folder in arguments.folders
    ]
    for name, found in evaluate(read, sets).items():
        print(  # noqa: T201
            f"{name}: {found.lines} lines, CER {100 * found.cer:.2f} %, exact {100 * found.exact:.1f} %,"
            f" exact with spaces {100 * found.exact_spaced:.1f} %"
        )
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training import networks
    from crnn_ocr.training.export import write

    net, characters = load_network(arguments.checkpoint)
    write(networks.build(net), arguments.target)
    arguments.target.with_suffix(".txt").write_text("\n".join(characters[1:]) + "\n", encoding="utf-8")
    return 0


def _quantize(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.evaluate import load_folder
    from crnn_ocr.training.quantize import milliseconds, quantize

    lines = load_folder(arguments.lines).images
    quantize(arguments.model, arguments.target, lines, percentile=arguments.percentile)
    for path in (arguments.model, arguments.target):
        size = path.stat().st_size / 1e6
        print(f"{path.name}: {size:.1f} MB, {milliseconds(path):.2f} ms per 48x320 line, one thread")  # noqa: T201
    return 0


def _plot(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.plots import plot

    print(plot(arguments.folder))  # noqa: T201
    return 0


def load_network(path: Path) -> tuple[Network, tuple[str, ...]]:
    """Return the averaged network of a checkpoint, in evaluation mode, and its characters."""
    from crnn_ocr.training import checkpoint, networks

    state = checkpoint.load(path)
    net = networks.make(networks.configuration(state.net)).eval()
    checkpoint.check_shapes(state, dict(net.state_dict()))
    net.load_state_dict(state.average)
    return net, state.characters


def measure_teacher(
    files: TeacherFiles, sampler: Sampler, characters: Sequence[str], *, batches: int = 6
) -> dict[str, Any]:
    """Return `mean` (list) and `std` of the teacher's embedding over a few batches of lines."""
    from crnn_ocr.training.loader import BatchMaker, LoaderConfig

    maker = BatchMaker(sampler, characters, LoaderConfig(pool=96), files, seed=0)
    rows = []
    for _, batch in zip(range(batches), maker.batches(), strict=False):
        assert batch.teacher is not None
        rows += [
            e[: -(-int(w) // 8) + 1].astype(np.float32)
            for e, w in zip(batch.teacher, batch.widths, strict=True)
        ]
    embedded = np.concatenate(rows)
    return {"mean": embedded.mean(axis=0).tolist(), "std": float(np.sqrt(embedded.var(axis=0).mean()))}


def _teacher_files(arguments: argparse.Namespace) -> TeacherFiles | None:
    from crnn_ocr.training.loader import TeacherFiles

    if arguments.teacher is None:
        return None
    if arguments.teacher_dictionary is None:
        raise TrainingError("A teacher needs its dictionary.", hint="Name it with --teacher-dictionary.")
    return TeacherFiles(arguments.teacher, arguments.teacher_dictionary)


def _read_characters(path: Path) -> list[str]:
    """Read what `_export` wrote: one character a line."""
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"The characters {path} cannot be read: {error}.") from error


def _folders(folders: Sequence[Path], height: int) -> list[LineSet]:
    from crnn_ocr.training.evaluate import load_folder

    return [load_folder(folder, height=height, ignore_case=folder.name == "lines_en") for folder in folders]


def _supports_half() -> bool:
    """Tell whether this CPU multiplies bfloat16 by itself; elsewhere it is emulated and slower."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _data(
    arguments: argparse.Namespace, height: int, *, measured: bool
) -> tuple[Callable[[int], Sampler], tuple[str, ...], list[LineSet]]:
    """Return the source of lines, the characters of every class, and the held-out sets."""
    from crnn_ocr.training import dataset, fetch
    from crnn_ocr.training.charset import characters
    from crnn_ocr.training.evaluate import LineSet

    config = dataset.SampleConfig(fetch.data_folder(arguments.data), height=height)
    names = arguments.heldout if arguments.heldout is not None else list(dataset.HELD_OUT)
    names = names if measured else []
    sets = []
    for name in names:
        images, texts = zip(*dataset.heldout(name, config, arguments.heldout_lines), strict=True)
        sets.append(LineSet(name, images, texts))
    return dataset.sampler_factory(config), characters(), sets
