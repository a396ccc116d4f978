"""Ask the service in this container whether it is ready; the exit status is the answer.

Only sockets are imported: it runs every few seconds.
"""

import os
import socket
import sys

LIMIT_S = 4.0


def main() -> int:
    """Ask `/readyz`; return 0 if it answered 200."""
    host = os.environ.get("CRNN_OCR_HOST") or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on
    port = int(os.environ.get("CRNN_OCR_PORT") or 5000)
    try:
        with socket.create_connection((host, port), timeout=LIMIT_S) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = b""
            while part := connection.recv(4096):
                answer += part
    except OSError as error:
        sys.stdout.write(f"{host}:{port}: {error}\n")
        return 1
    head, _, body = answer.partition(b"\r\n\r\n")
    sys.stdout.write(body.decode("utf-8", "replace"))
    return 0 if head.split(b" ", 2)[1:2] == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main())
