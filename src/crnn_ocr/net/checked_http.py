"""Opens HTTP connections to hosts that others name.

A host is looked up once, all of its addresses are checked, and the connection goes to a checked address; a
second look-up could give another answer (DNS rebinding).
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import SplitResult

from crnn_ocr.errors import UrlFetchError
from crnn_ocr.net.dns import Lookups, Resolve, resolve
from crnn_ocr.net.socket_watch import SocketWatcher, socket_watcher
from crnn_ocr.net.url_rules import Rules, host_of, port_of

Result = TypeVar("Result")


class CheckedHttp:
    """Opens HTTP connections to checked addresses. It is safe to use from several threads."""

    def __init__(
        self,
        rules: Rules,
        *,
        timeout_s: float,
        lookup: Resolve = resolve,
        watch: SocketWatcher = socket_watcher,
    ) -> None:
        """Set rules and limits.

        Args:
            rules: To which hosts connections may go.
            timeout_s: The time that messages tell when a deadline has passed, in seconds.
            lookup: Returns the addresses of a host.
            watch: Ends connections whose time is up.
        """
        self._rules = rules
        self._timeout_s = timeout_s
        self._lookups = Lookups(lookup)
        self._watch = watch
        self._lock = threading.Lock()
        self._trust: ssl.SSLContext | None = None

    def exchange(
        self, parts: SplitResult, deadline: float, talk: Callable[[http.client.HTTPConnection], Result]
    ) -> Result:
        """Connect to the host of a URL and return what a conversation with it gives.

        Args:
            parts: The URL, which `Rules.check_url` has checked.
            deadline: When everything must be over, in seconds on `time.monotonic`.
            talk: Sends the request and reads the answer over a connection that is open.

        Raises:
            UrlNotAllowedError: The host has an address that is not allowed.
            UrlFetchError: There is no such host, no connection, no answer in time or none in HTTP.
        """
        host, port = host_of(parts), port_of(parts)
        try:
            addresses = self._rules.check_addresses(self._lookups.find(host, port, deadline))
            connection = self._connect(addresses, port, deadline)
            if parts.scheme == "https":
                connection = self._context().wrap_socket(
                    connection, server_hostname=host, do_handshake_on_connect=False
                )
            with connection, self._watch.limited(connection, deadline - time.monotonic()) as limit:
                try:
                    if isinstance(connection, ssl.SSLSocket):
                        connection.do_handshake()
                    client = http.client.HTTPConnection(host, port)
                    client.sock = connection
                    found = talk(client)
                except (OSError, http.client.HTTPException):
                    if limit.expired:
                        raise TimeoutError from None
                    raise
                if limit.expired:  # an answer that was cut off at the deadline may look complete
                    raise TimeoutError
                return found
        except TimeoutError:
            raise UrlFetchError(f"The URL did not answer within {self._timeout_s:g} seconds.") from None
        except ssl.SSLCertVerificationError:
            raise UrlFetchError("The host of the URL has no valid certificate.") from None
        except ssl.SSLError:
            raise UrlFetchError("The host of the URL does not speak TLS as it should.") from None
        except (OSError, http.client.HTTPException):
            raise UrlFetchError("The host of the URL cannot be reached, or does not speak HTTP.") from None

    def _context(self) -> ssl.SSLContext:
        """Return a context with the system's authorities, or those in SSL_CERT_FILE and SSL_CERT_DIR."""
        with self._lock:
            if self._trust is None:  # loading hundreds of certificates takes longer than fetching
                self._trust = ssl.create_default_context()
            return self._trust

    def _connect(self, addresses: list[str], port: int, deadline: float) -> socket.socket:
        failure: OSError = OSError("no address")
        for address in addresses:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, port), timeout=left)  # an address needs no look-up
            except OSError as error:
                failure = error
        raise failure
