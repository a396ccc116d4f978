"""Parses JSON as strictly as its standard and UTF-8 allow, within bounds. Pure functions.

Parsed JSON may take fifty times the memory of its text, and no other thread runs meanwhile. So what a text
can become is bounded before it is parsed, by counting signs, which takes milliseconds.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import nullcontext
from typing import NoReturn

from crnn_ocr.errors import BodyTooLargeError, InvalidJsonError
from crnn_ocr.settings import MIB

#: Most values in a request; a picture with all options has a dozen.
MOST_VALUES = 20_000
#: Longer texts, in bytes, are pictures in base64, and must be ASCII: Python keeps a text in four bytes per
#: character as soon as a single one is beyond U+FFFF.
LONG = 4 * MIB
#: Longer texts are parsed one at a time, so that the memory that parsing takes is taken once.
_ONE_LONG_TEXT = threading.Lock()
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def parse_json(data: bytes, *, what: str, most: int = MOST_VALUES) -> object:
    """Parse JSON as strictly as its standard (RFC 8259) and UTF-8 allow.

    Args:
        data: The text.
        what: Name of the text in messages.
        most: Most values, so many that commas and brackets in texts do not matter.

    Raises:
        BodyTooLargeError: It may hold more values than that.
        InvalidJsonError: It is not JSON; the message says where.
    """
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if not data.strip():
        raise InvalidJsonError(f"{what} is empty where JSON was announced.")
    # Each value but the first follows one of these; inside of texts they are counted, too.
    if data.count(b",") + data.count(b"[") + data.count(b"{") > most:
        raise BodyTooLargeError(
            f"{what} holds more than {most} values.", hint="Send fewer pictures or pages at a time."
        )
    surrogates = _SURROGATE.search(data) is not None
    if len(data) > LONG and (surrogates or not data.isascii()):
        raise InvalidJsonError(
            f"{what} is longer than {LONG // MIB} MiB and holds characters that base64 does not use.",
            hint="Write characters beyond ASCII as \\uXXXX, and none beyond U+FFFF.",
        )
    with _ONE_LONG_TEXT if len(data) > LONG else nullcontext():
        return _parse(data, what, surrogates=surrogates)


def _parse(data: bytes, what: str, *, surrogates: bool) -> object:
    try:
        # The parser itself would also take UTF-16 and UTF-32.
        value: object = json.loads(str(data, "utf-8"), parse_constant=_refuse)
        if surrogates:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidJsonError(f"{what} holds half of a surrogate pair, which is not a character.") from None
    except UnicodeDecodeError:
        raise InvalidJsonError(f"{what} is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJsonError(f"{what} is not valid JSON: {error.msg} ({where}).") from None
    except RecursionError:
        raise InvalidJsonError(f"{what} is nested too deeply.") from None
    except _ConstantError as error:
        raise InvalidJsonError(f"{what} is not valid JSON: {error} is not a JSON value.") from None
    except ValueError:  # the parser's only other error: Python limits the digits of an integer
        raise InvalidJsonError(f"{what} holds a number with too many digits.") from None
    return value


class _ConstantError(ValueError):
    """A NaN or infinity, which Python's parser accepts and JSON does not have."""


def _refuse(name: str) -> NoReturn:
    raise _ConstantError(name)
