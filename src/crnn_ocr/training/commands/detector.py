"""`crnn-ocr train detector …`: train the network that finds the lines."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Subparsers) -> None:
    """Add the commands of this group."""
    detector = commands.add_parser("detector", help="train the network that finds the lines")
    actions = detector.add_subparsers(required=True, metavar="ACTION")
    maps = actions.add_parser("maps", help="draw a teacher's probability maps of unlabelled pages")
    maps.add_argument("pages", type=Path, help="folder with pictures and PDFs")
    maps.add_argument("out", type=Path, help="folder for the maps; what is there already is kept")
    maps.add_argument("--teacher", metavar="PACK", help="detector pack (default: ppocrv6-det-small)")
    maps.set_defaults(run_command=_maps)
    fit = actions.add_parser("fit", help="train a detector, or go on training it")
    fit.add_argument("pages", type=Path, help="folder with pictures and PDFs")
    fit.add_argument("maps", type=Path, help="folder of their maps")
    fit.add_argument("--fonts", type=Path, metavar="DIR", help="folder of fonts, to draw pages, too")
    fit.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of checkpoints and log")
    fit.add_argument("--resume", type=Path, metavar="FILE", help="checkpoint to go on from (.pt or .npz)")
    fit.add_argument("--hours", type=float, default=4.0, help="budget of training time over all sittings [4]")
    fit.add_argument("--minutes", type=float, help="budget of this sitting")
    fit.add_argument("--rate", type=float, default=2e-3, help="learning rate on the plateau [2e-3]")
    fit.add_argument(
        "--shape", type=json.loads, default={}, metavar="JSON", help="object: fields of the network's shape"
    )
    fit.add_argument("--threads", type=int, default=1, help="PyTorch's threads [1]")
    fit.add_argument("--seed", type=int, default=0)
    fit.set_defaults(run_command=_fit)
    pack = actions.add_parser("pack", help="make a model pack of a detector's checkpoint")
    pack.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help=".pt or .npz of a run")
    pack.add_argument("pages", type=Path, help="folder with pictures and PDFs, to calibrate INT8 and measure")
    pack.add_argument("maps", type=Path, help="folder of their maps")
    pack.add_argument("out", type=Path, metavar="OUT_DIR", help="the pack's folder is made in here")
    pack.add_argument("--name", required=True, help="of the pack: a-z, 0-9, - _ .")
    pack.add_argument("--version", required=True, help="of the pack, for example 1")
    pack.set_defaults(run_command=_pack)


def _maps(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.detection.maps import TEACHER, draw_maps

    unreadable = draw_maps(arguments.pages, arguments.out, teacher=arguments.teacher or TEACHER)
    print(f"{len(list(arguments.out.glob('*.png')))} maps; {unreadable} files could not be read")
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.detection.crops import teacher_pages
    from crnn_ocr.training.detection.fit import Fit, FitConfig, fit
    from crnn_ocr.training.detection.network import DetectorConfig
    from crnn_ocr.training.fit.schedule import Schedule
    from crnn_ocr.training.nets import checkpoint

    pages = teacher_pages(arguments.pages, arguments.maps)
    state = checkpoint.load(arguments.resume) if arguments.resume else None
    shape = DetectorConfig.from_dict({**DetectorConfig().to_dict(), **arguments.shape})
    config = FitConfig(
        hours=arguments.hours,
        minutes=arguments.minutes,
        schedule=Schedule(rate=arguments.rate, decay=0.5),
        threads=arguments.threads,
        seed=arguments.seed,
        fonts=arguments.fonts,
    )
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    fit(Fit(config, shape, state), config, pages, arguments.out, stopped.is_set)
    return 0


def _pack(arguments: argparse.Namespace) -> int:
    from crnn_ocr.training.detection.crops import teacher_pages
    from crnn_ocr.training.detection.measure import SIDES, measure
    from crnn_ocr.training.detection.pack import averaged, write_pack
    from crnn_ocr.training.nets import checkpoint

    state = checkpoint.load(arguments.checkpoint)
    learnt, held_out = teacher_pages(arguments.pages, arguments.maps)
    net = averaged(state)
    scores = {side: measure(net, held_out, side) for side in SIDES}
    made = write_pack(state, arguments.out, arguments.name, arguments.version, learnt, scores)
    for side, score in scores.items():
        print(f"{side}: finds {score.recall:.1%} of the teacher's regions, {score.precision:.1%} are its own")
    print(made.folder)
    return 0
