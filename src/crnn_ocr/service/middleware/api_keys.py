"""Makes, hashes and looks up API keys, without HTTP.

A key is 256 random bits, so its plain SHA-256 is as good a record as a slow hash: there is no dictionary to
try, and guessing one key is as hard as guessing the bits. A slow hash such as bcrypt is for passwords that
people choose; here it would cost every request a tenth of a second, and strangers could keep the cores busy
with it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from crnn_ocr.errors import SettingsError
from crnn_ocr.settings import Settings

KEY_PREFIX = "crnn_"  # so that people and secret scanners recognise it
_KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key; it is shown once and stored nowhere.

    Attributes:
        key: What the client sends.
        entry: `NAME:HASH`, for the settings of the service.
    """

    key: str
    entry: str


def new_key(name: str) -> NewKey:
    """Make a key of 256 random bits.

    Raises:
        SettingsError: The name is not valid for a key.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{name!r} cannot be the name of a key.",
            hint="A name has 1 to 64 letters, digits, dots, dashes and underscores.",
        )
    key = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    return NewKey(key, f"{name}:{hash_key(key)}")


def hash_key(key: str) -> str:
    """Return the hexadecimal SHA-256 of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyRing:
    """The keys that the service accepts: names and hashes."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        """Accept these keys, given as name → hexadecimal SHA-256 of the key."""
        self._hashes = {name: bytes.fromhex(text) for name, text in hashes.items()}

    def __len__(self) -> int:
        return len(self._hashes)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the keys from the variable and from the file.

        Raises:
            SettingsError: The file cannot be read, or an entry is malformed or given twice.
        """
        entries = [("CRNN_OCR_API_KEYS", entry) for entry in settings.api_keys]
        if settings.api_keys_file is not None:
            try:
                text = settings.api_keys_file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                raise SettingsError(f"CRNN_OCR_API_KEYS_FILE cannot be read: {reason}.") from None
            for number, row in enumerate(text.splitlines(), start=1):
                if entry := row.partition("#")[0].strip():
                    entries.append((f"Row {number} of CRNN_OCR_API_KEYS_FILE", entry))
            if not entries:
                # A mounted secret that is empty must not open the service to everybody.
                raise SettingsError("CRNN_OCR_API_KEYS_FILE holds no key.")
        return cls(_parse(entries))

    def find(self, key: str) -> str | None:
        """Return the name of a key, or None if it is unknown.

        All hashes are compared, each in constant time, so the time reveals nothing.
        """
        presented = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        found = None
        for name, known in self._hashes.items():
            if hmac.compare_digest(presented, known):
                found = name
        return found


def _parse(entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for where, entry in entries:
        name, _, text = entry.partition(":")
        if not (_NAME.fullmatch(name) and _HASH.fullmatch(text.lower())):
            # The entry itself is not shown: somebody may have put the key there.
            raise SettingsError(
                f"{where}: an entry is not NAME:HASH, with the 64 hexadecimal digits of a SHA-256.",
                hint="`crnn-ocr keys new NAME` makes a key and its entry.",
            )
        if name in hashes:
            raise SettingsError(f"{where}: the name {name!r} is given twice.")
        hashes[name] = text.lower()
    return hashes
