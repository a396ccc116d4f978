"""`crnn-ocr train fit`: train a network, or go on training it."""

from __future__ import annotations

import argparse
import functools
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from crnn_ocr.training.data.batches import LoaderConfig, Sampler, TeacherFiles
    from crnn_ocr.training.fit.evaluate import LineSet
    from crnn_ocr.training.fit.parallel import Peers
    from crnn_ocr.training.fit.trainer import TrainConfig
    from crnn_ocr.training.nets.checkpoint import State
    from crnn_ocr.training.nets.registry import Config

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

CARD_PIXELS = 16 * 12288
"""Width of a batch's lines on a graphics card: 16 times a CPU's, some 400 lines."""
CARD_RATE = 2e-3
"""Learning rate there, a third more than on a CPU. Rules for larger batches ask for more (four times, by the
square root), but recognisers of this kind are trained at 1e-3 with batches of a thousand lines, and mostly it
is a network that can read already which goes on."""


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    fit = commands.add_parser("fit", help="train a network, or go on training it")
    fit.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of checkpoints, log and curve"
    )
    fit.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of fonts and texts (`crnn-ocr train fetch`)"
    )
    fit.add_argument(
        "--real", type=Path, metavar="DIR", help="labelled lines of real pages (`crnn-ocr train label`)"
    )
    fit.add_argument(
        "--real-share", type=float, default=0.4, metavar="SHARE", help="of the lines, with --real [0.4]"
    )
    fit.add_argument("--resume", type=Path, metavar="FILE", help="checkpoint to go on from (.pt or .npz)")
    fit.add_argument("--hours", type=float, default=2.0, help="budget of training time over all sittings [2]")
    fit.add_argument("--minutes", type=float, help="budget of this sitting alone, instead of --hours")
    fit.add_argument(
        "--progress", type=float, default=0.0, metavar="SHARE", help="where --minutes begin, 0 to 1 [0]"
    )
    fit.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:NUMBER [auto]")
    fit.add_argument("--rate", type=float, default=None, help="learning rate on the plateau")
    fit.add_argument("--teacher", type=Path, metavar="ONNX", help="recogniser to learn from")
    fit.add_argument("--teacher-dictionary", type=Path, metavar="TXT", help="the teacher's characters")
    fit.add_argument(
        "--teacher-share", type=float, default=1.0, metavar="SHARE", help="of the batches it sees, 0 to 1 [1]"
    )
    fit.add_argument(
        "--kind", choices=("crnn", "edge"), help="which network is trained [crnn; the checkpoint's]"
    )
    fit.add_argument(
        "--shape", type=json.loads, default={}, metavar="JSON", help="object: fields of the network's shape"
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
    fit.add_argument("--workers", type=int, help="rendering processes [1; with a card one per core but one]")
    fit.add_argument("--processes", type=int, default=1, help="training processes, each with its workers [1]")
    fit.add_argument("--threads", type=int, default=1, help="PyTorch's threads [1]")
    fit.add_argument(
        "--half", action=argparse.BooleanOptionalAction, default=None, help="bfloat16 [if supported]"
    )
    fit.add_argument("--batch-pixels", type=int, metavar="PIXELS", help="width of a batch's lines together")
    fit.add_argument(
        "--echo", type=int, default=0, metavar="TIMES", help="show batches again while a card waits [0]"
    )
    fit.add_argument("--compile", action="store_true", help="let PyTorch fuse layers; needs a C++ compiler")
    fit.add_argument(
        "--compact", choices=("full", "weights"), default="full", help="what compact.npz holds [full]"
    )
    fit.add_argument("--save-every", type=float, default=300.0, metavar="SECONDS")
    fit.add_argument("--evaluate-every", type=float, default=900.0, metavar="SECONDS")
    fit.add_argument("--seed", type=int, default=0)
    fit.set_defaults(run_command=_fit)


def _fit(arguments: argparse.Namespace) -> int:
    from crnn_ocr.errors import TrainingError
    from crnn_ocr.training.fit import devices, parallel, runlog

    if arguments.processes > 1 and devices.choose(arguments.device).type != "cpu":
        raise TrainingError("A card is kept busy by one process.", hint="Use --workers, not --processes.")
    if not 0.0 <= arguments.progress < 1.0:
        raise TrainingError(f"--progress is a share from 0 to below 1, not {arguments.progress}.")
    if not 0.0 <= arguments.real_share <= 1.0:
        raise TrainingError(f"--real-share is a share from 0 to 1, not {arguments.real_share}.")
    work = functools.partial(_fit_beside, arguments)
    with parallel.run_processes(arguments.processes, work) as peers:
        _fit_with(peers, arguments)
    runlog.plot(arguments.out)
    return 0


def _fit_beside(arguments: argparse.Namespace, rank: int, size: int, meeting: Path) -> None:
    """Train in a process beside the first one."""
    from crnn_ocr.training.fit.parallel import Group

    group = Group(rank, size, meeting)
    _fit_with(group, arguments)
    group.close()


def _fit_with(peers: Peers, arguments: argparse.Namespace) -> None:
    import numpy as np

    from crnn_ocr.training.data.batches import measure_teacher
    from crnn_ocr.training.data.loader import SEED_STRIDE, Loader
    from crnn_ocr.training.fit import devices
    from crnn_ocr.training.fit.trainer import Trainer
    from crnn_ocr.training.nets import checkpoint, registry
    from crnn_ocr.training.nets.teacher import Teacher
    from crnn_ocr.training.text.charset import characters

    device = devices.choose(arguments.device)
    known = characters()
    state = checkpoint.load(arguments.resume) if arguments.resume else None
    if state is not None:
        state = checkpoint.with_characters(state, known)
        _check_same_network(arguments, state)
    shape = registry.configuration(state.net) if state else _shape(arguments, len(known))
    make_sampler, heldout = _data(arguments, shape, measured=not peers.rank)
    teacher = _teacher(arguments)
    head = Teacher(teacher.model, teacher.dictionary).head if teacher else None
    scale = dict(state.teacher) if state else {}
    if teacher and not scale:
        scale = measure_teacher(teacher, make_sampler(arguments.seed), known)
    if teacher and scale:
        teacher = replace(teacher, mean=np.array(scale["mean"], np.float32), std=scale["std"])
    trainer = Trainer(
        _training(arguments, shape, device),
        shape,
        known,
        arguments.out,
        teacher=head,
        teacher_scale=scale,
        sets=[*heldout, *_real(arguments, shape)],
        peers=peers,
    )
    if state is not None:
        trainer.restore(state)
    # A resumed run goes on with lines that it has not seen; no two processes see the same.
    seen = int(trainer.counters["lines"]) + 1000 * SEED_STRIDE * peers.rank
    loading = _loading(arguments, shape, device, arguments.seed + seen)
    if not peers.rank:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: trainer.stop())
    with Loader(make_sampler, known, loading, teacher) as loader:
        trainer.run(loader)


def _teacher(arguments: argparse.Namespace) -> TeacherFiles | None:
    """Return the teacher that was named, if any.

    Raises:
        TrainingError: Its dictionary was not named.
    """
    from crnn_ocr.errors import TrainingError
    from crnn_ocr.training.data.batches import TeacherFiles

    if arguments.teacher is None:
        return None
    if arguments.teacher_dictionary is None:
        raise TrainingError("A teacher needs its dictionary.", hint="Name it with --teacher-dictionary.")
    return TeacherFiles(arguments.teacher, arguments.teacher_dictionary)


def _check_same_network(arguments: argparse.Namespace, state: State) -> None:
    """Make sure that what was asked for is what the checkpoint holds.

    Raises:
        TrainingError: It is another kind or shape of network.
    """
    from crnn_ocr.errors import TrainingError
    from crnn_ocr.training.nets import registry

    name, hint = arguments.resume.name, "Leave out the option to go on, or leave out --resume to start anew."
    held = registry.configuration(state.net).to_dict()
    kind = held.pop("kind", "crnn")
    if arguments.kind and arguments.kind != kind:
        raise TrainingError(f"--kind {arguments.kind}: {name} holds one of kind {kind}.", hint=hint)
    for field, value in _fields(arguments).items():
        found = json.loads(json.dumps(held.get(field)))
        if field not in held or found != value:
            told = f"has {found}" if field in held else "has no such field"
            raise TrainingError(
                f"--shape: {field} is to be {value}, the network of {name} {told}.", hint=hint
            )


def _fields(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the fields of `--shape`."""
    from crnn_ocr.errors import TrainingError

    if not isinstance(arguments.shape, dict):
        raise TrainingError("--shape is no JSON object.", hint="Write it like --shape '{\"hidden\": 96}'.")
    return arguments.shape


def _shape(arguments: argparse.Namespace, classes: int) -> Config:
    """Return the shape of a fresh network."""
    from crnn_ocr.training.nets import registry

    kind = {"kind": "edge"} if arguments.kind == "edge" else {}
    return registry.configuration({"classes": classes, **kind, **_fields(arguments)})


def _loading(arguments: argparse.Namespace, shape: Config, device: torch.device, seed: int) -> LoaderConfig:
    """Return how batches are made for a network of that shape on that device."""
    from crnn_ocr.training.data.batches import LoaderConfig
    from crnn_ocr.training.nets import registry

    drawn = registry.source_height(shape)
    loading = LoaderConfig(
        height=drawn,
        shown=None if drawn == shape.height else shape.height,
        stride=shape.stride,
        teacher_share=arguments.teacher_share,
        workers=arguments.workers or 1,
        seed=seed,
    )
    if device.type == "cuda":
        loading = replace(
            loading,
            steady=True,
            batch_pixels=CARD_PIXELS,
            batch_lines=512,
            workers=arguments.workers or max(1, (os.cpu_count() or 2) - 1),
            nice=5,  # the process that feeds the card comes first
        )
    if arguments.batch_pixels:
        loading = replace(loading, batch_pixels=arguments.batch_pixels)
    return loading


def _training(arguments: argparse.Namespace, shape: Config, device: torch.device) -> TrainConfig:
    """Return how a network of that shape is trained there, unless options say otherwise."""
    from crnn_ocr.runtime.cpu import has_bfloat16
    from crnn_ocr.training.fit import devices
    from crnn_ocr.training.fit.schedule import Schedule
    from crnn_ocr.training.fit.trainer import TrainConfig
    from crnn_ocr.training.nets.edge import EdgeConfig

    schedule, half = Schedule(), has_bfloat16()
    if isinstance(shape, EdgeConfig):
        # Depthwise convolutions are slower in bfloat16.
        schedule, half = Schedule(posterior=1.0), False
    elif arguments.teacher is None:
        # There is no teacher whose features have to be learnt first, or whose head was taken over.
        schedule = Schedule(ctc_start=1.0, head_start=0.0, head_rate=0.5)
    if device.type == "cuda":
        half = devices.prefers_half(device)
        schedule = replace(schedule, rate=CARD_RATE)
    if arguments.rate is not None:
        schedule = replace(schedule, rate=arguments.rate)
    return TrainConfig(
        hours=arguments.hours,
        minutes=arguments.minutes,
        start=arguments.progress,
        schedule=schedule,
        average=0.998 if device.type == "cpu" else None,
        device=str(device),
        echo=arguments.echo,
        compiled=arguments.compile,
        compact=arguments.compact == "full",
        save_every=arguments.save_every,
        threads=arguments.threads,
        half=half if arguments.half is None else arguments.half,
        evaluate_every=arguments.evaluate_every,
        seed=arguments.seed,
    )


def _real(arguments: argparse.Namespace, shape: Config) -> list[LineSet]:
    """Return the folders of `--eval` at the network's size; English ones are compared without case."""
    from crnn_ocr.training.fit.evaluate import load_folder
    from crnn_ocr.training.nets import registry

    stretch = registry.stretch(shape)
    return [
        load_folder(folder, height=shape.height, stretch=stretch, ignore_case=folder.name == "lines_en")
        for folder in arguments.eval
    ]


def _data(
    arguments: argparse.Namespace, shape: Config, *, measured: bool
) -> tuple[Callable[[int], Sampler], list[LineSet]]:
    """Return the source of lines, and the held-out sets at the network's size."""
    from crnn_ocr.training.data import dataset, fetch, heldout_sets, real_lines
    from crnn_ocr.training.fit.evaluate import LineSet, flattened
    from crnn_ocr.training.nets import registry

    drawn = registry.source_height(shape)
    config = dataset.SampleConfig(fetch.data_folder(arguments.data), height=drawn)
    names = arguments.heldout if arguments.heldout is not None else list(heldout_sets.HELD_OUT)
    names = names if measured and arguments.heldout_lines else []
    drawn_sets = []
    for name in names:
        images, texts = zip(*heldout_sets.heldout(name, config, arguments.heldout_lines), strict=True)
        lines = LineSet(name, images, texts)
        drawn_sets.append(lines if drawn == shape.height else flattened(lines, shape.height))
    make: Callable[[int], Sampler] = dataset.sampler_factory(config)
    if arguments.real is not None:
        make = real_lines.with_real_lines(
            make, arguments.real, arguments.real_share, height=drawn, max_width=config.max_width
        )
    return make, drawn_sets
