"""Makes command-line flags from the fields of `ReadOptions`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from crnn_ocr.errors import InvalidOptionError
from crnn_ocr.export import FORMATS
from crnn_ocr.options import ReadOptions, options_from_text


def add_option_flags(parser: argparse.ArgumentParser) -> None:
    """Add one flag per reading option, with its values, its help and its default."""
    group = parser.add_argument_group("reading options")
    for name, field in ReadOptions.model_fields.items():
        default = "" if field.default is None else f" (default: {field.default})"
        group.add_argument(
            "--" + name.replace("_", "-"),
            dest=_dest(name),
            type=str if _choices(field) else _checked(name),
            choices=_choices(field),
            metavar=None if _choices(field) else name.upper(),
            help=f"{field.title}. {field.description}{default}".replace("%", "%%"),
        )


def options_of(args: argparse.Namespace) -> ReadOptions:
    """Return the reading options: those that were given, and defaults for the others.

    Raises:
        InvalidOptionError: A value is not valid.
    """
    given = {name: getattr(args, _dest(name)) for name in ReadOptions.model_fields}
    return options_from_text({name: text for name, text in given.items() if text is not None})


def format_names(text: str) -> list[str]:
    """Return the formats that an argument lists by name or suffix; for `argparse`."""
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    known = {alias: name for name, writer in FORMATS.items() for alias in (name, writer.suffix.lstrip("."))}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"there is no format {', '.join(unknown) or repr(text)}; there are: {', '.join(FORMATS)}"
        )
    return list(dict.fromkeys(known[name] for name in names))


def _dest(name: str) -> str:
    return f"option_{name}"


def _choices(field: FieldInfo) -> list[str] | None:
    if get_origin(field.annotation) is Literal:
        return [str(value) for value in get_args(field.annotation)]
    return None


def _checked(name: str) -> Callable[[str], str]:
    """Return a converter that leaves the text unchanged but refuses values that are not valid."""

    def check(text: str) -> str:
        try:
            options_from_text({name: text})
        except InvalidOptionError as error:
            # argparse names the flag itself.
            raise argparse.ArgumentTypeError(error.message.removeprefix(f"option {name!r}: ")) from None
        return text

    return check
