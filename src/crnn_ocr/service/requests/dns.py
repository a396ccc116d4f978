"""Looking hosts up within a time: the system's own look-up knows no limit and cannot be ended."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from crnn_ocr.errors import UrlFetchError

Resolve = Callable[[str, int], list[str]]

#: Look-ups at a time. One that hangs keeps its place until the system gives it up, in half a minute or so.
MOST_LOOKUPS = 8


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host; takes as long as it takes.

    Raises:
        UrlFetchError: There is no such host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UrlFetchError("The host of the URL is unknown.") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Lookups:
    """Look-ups in threads of their own, so that nobody has to wait for their end; for all threads at once."""

    def __init__(self, resolve: Resolve = resolve, *, most: int = MOST_LOOKUPS) -> None:
        """Prepare; threads are started when they are needed.

        Args:
            resolve: Tells the addresses of a host.
            most: Look-ups at a time.
        """
        self._resolve = resolve
        self._places = threading.BoundedSemaphore(most)

    def find(self, host: str, port: int, deadline: float) -> list[str]:
        """Return all addresses of a host.

        Args:
            host: Its name.
            port: Handed on to the look-up.
            deadline: Until when the answer is of use, in seconds on `time.monotonic`.

        Raises:
            TimeoutError: There was none until then, or no place for the look-up.
            UrlFetchError: There is no such host.
        """
        if not self._places.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise TimeoutError
        answer: Future[list[str]] = Future()
        # A daemon: the end of the process must not wait for it either.
        thread = threading.Thread(
            target=self._look_up, args=(host, port, answer), name="crnn-ocr-lookup", daemon=True
        )
        try:
            thread.start()
        except BaseException:
            self._places.release()
            raise
        return answer.result(max(0.0, deadline - time.monotonic()))

    def _look_up(self, host: str, port: int, answer: Future[list[str]]) -> None:
        try:
            answer.set_result(self._resolve(host, port))
        except BaseException as error:  # it is the caller's
            answer.set_exception(error)
        finally:
            self._places.release()
