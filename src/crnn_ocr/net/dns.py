"""Looks hosts up within a deadline, which the system's own look-up does not have."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from crnn_ocr.errors import UrlFetchError

Resolve = Callable[[str, int], list[str]]

#: Look-ups at a time. One that hangs counts until the system gives up, after about half a minute.
MOST_LOOKUPS = 8


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host, without a time limit.

    Raises:
        UrlFetchError: There is no such host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UrlFetchError("The host of the URL is unknown.") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Lookups:
    """Look-ups in threads that nobody has to wait for. It is safe to use from several threads."""

    def __init__(self, resolve: Resolve = resolve, *, most: int = MOST_LOOKUPS) -> None:
        """Prepare; threads are started when they are needed.

        Args:
            resolve: Returns the addresses of a host.
            most: Number of look-ups at a time.
        """
        self._resolve = resolve
        self._places = threading.BoundedSemaphore(most)

    def find(self, host: str, port: int, deadline: float) -> list[str]:
        """Return all addresses of a host.

        Args:
            host: Name of the host.
            port: Port for the look-up.
            deadline: When the answer is no longer needed, in seconds on `time.monotonic`.

        Raises:
            TimeoutError: There was no answer until then, or too many look-ups are running.
            UrlFetchError: There is no such host.
        """
        if not self._places.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise TimeoutError
        answer: Future[list[str]] = Future()
        # A daemon, because the end of the process must not wait for it either.
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
        except BaseException as error:  # the caller raises it
            answer.set_exception(error)
        finally:
            self._places.release()
