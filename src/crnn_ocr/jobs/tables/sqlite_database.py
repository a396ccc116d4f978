"""Opens the SQLite file of the table of jobs: connections, transactions, its schema, its errors."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path

from crnn_ocr.errors import JobStorageFullError, JobsUnavailableError

#: Version of the schema, kept in the file as `user_version`.
VERSION = 1
#: Seconds to wait for another process that writes. A transaction takes milliseconds.
BUSY_S = 10.0


class Database:
    """A SQLite file that several threads and processes use; each uses a connection at a time.

    The file must be on a disk of this host: SQLite's shared memory does not work over a network.
    """

    def __init__(self, path: Path, *, busy_s: float = BUSY_S) -> None:
        """Open the file, which is made if it does not exist, readable by its owner alone.

        Args:
            path: The file.
            busy_s: Seconds to wait for another process that writes.

        Raises:
            JobsUnavailableError: The file cannot be opened, is damaged or of a newer version.
            JobStorageFullError: The disk is full.
        """
        self._path = path
        self._busy_s = busy_s
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # SQLite gives the files beside it (-wal, -shm) the same rights.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            reason = error.strerror or error
            raise JobsUnavailableError(f"The table of jobs cannot be opened: {reason}.") from None
        with translated(), self._connection() as connection:
            self._prepare(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection within a transaction that sees one state of the table.

        Raises:
            JobsUnavailableError: The table cannot be read.
        """
        with translated(), self._connection() as connection, _transaction(connection, "BEGIN"):
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Yield a connection within a transaction that alone may write; all or nothing of it happens.

        Args:
            durable: Whether it must outlive a loss of power. Without that it outlives the death of every
                process; the last transactions before a loss of power may be gone, but never parts of them.

        Raises:
            JobsUnavailableError: The table cannot be written.
            JobStorageFullError: The disk is full.
        """
        with translated(), self._connection() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with _transaction(connection, "BEGIN IMMEDIATE"):
                yield connection

    def close(self) -> None:
        """Close the connections; one that is in use is closed by its user."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            if self._process != os.getpid():
                _abandoned.extend(idle)
                return
        for connection in idle:
            connection.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that nobody else uses meanwhile."""
        process = os.getpid()
        with self._lock:
            if self._closed:
                raise JobsUnavailableError("The table of jobs is closed.")
            if self._process != process:  # after a fork: a connection must not be used on both sides
                _abandoned.extend(self._idle)
                self._process, self._idle = process, []
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = sqlite3.connect(
                self._path, timeout=self._busy_s, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA secure_delete = ON")  # of a password no bytes are left in the file
        try:
            yield connection
        finally:
            with self._lock:
                kept = not self._closed and self._process == process
                if kept:
                    self._idle.append(connection)
            if not kept:
                connection.close()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the schema if the file is new, and check its version."""
        _use_wal(connection, self._busy_s)
        with _transaction(connection, "BEGIN IMMEDIATE"):
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise JobsUnavailableError(
                    f"The table of jobs is of a newer version (schema {version}, known is {VERSION}).",
                    hint="Start that version, or move the file away; the jobs in it are then forgotten.",
                )
            if version == 0:
                schema = resources.files(__package__).joinpath("sqlite_schema.sql").read_text("utf-8")
                for statement in _statements(schema):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")


#: Connections of a parent process, kept so that closing them cannot release the parent's locks.
_abandoned: list[sqlite3.Connection] = []


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of SQLite as those of a store.

    Raises:
        JobsUnavailableError: The table cannot be read or written.
        JobStorageFullError: The disk is full.
    """
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a mistake of ours
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise JobStorageFullError("The disk for the table of jobs is full.") from None
        raise JobsUnavailableError(f"The table of jobs cannot be used: {error}.", retry_after=5) from None


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has ended it itself after some errors
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _use_wal(connection: sqlite3.Connection, busy_s: float) -> None:
    """Switch to write-ahead logging; SQLite itself does not wait for others here."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; `executescript` would commit the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
