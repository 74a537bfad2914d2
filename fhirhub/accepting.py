"""Accepting: how worker processes that share one listening socket share its connections evenly.

Clients of a hub keep their connections for hours, so a worker that happened to accept twice as many as another
would do twice the work for as long. A worker therefore leaves a connection in the socket's queue while it has
more than another worker, which takes it instead. Nothing is handed over, so nothing is lost with a worker or
with the parent: what a worker has not accepted, the next one accepts.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import mmap
import os
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from fhirhub import logs
from fhirhub.api.wire import Protocol

PATIENCE_SECONDS = 0.1
"""How long a connection is left to a worker with fewer; one that is stuck does not make it wait longer."""
IN_A_ROW = 64
"""Connections accepted before requests get their turn."""
EXHAUSTED_SECONDS = 1.0
"""The pause where the process may open no more files."""
LATE_SECONDS = 0.5
"""What a connection accepted just before the end has to send its request."""
AWAY = -1


class Shares:
    """How many connections each worker has, in memory that all of them see; made before they are forked."""

    def __init__(self, workers: int) -> None:
        self._open = memoryview(mmap.mmap(-1, 8 * workers)).cast("q")
        self._waiting = memoryview(mmap.mmap(-1, 8 * workers)).cast("q")
        self._bells = [os.pipe() for _ in range(workers)]
        for ends in self._bells:
            for end in ends:
                os.set_blocking(end, False)
        for worker in range(workers):
            self.leave(worker)

    def tell(self, worker: int, connections: int) -> None:
        self._open[worker] = connections

    def leave(self, worker: int) -> None:
        """The worker accepts no more: nobody waits for it."""
        self._open[worker] = AWAY
        self._waiting[worker] = 0

    def enough(self, worker: int) -> bool:
        """Whether another worker is to take the next connection. Of many connections a few more do not count:
        that keeps a burst from going back and forth."""
        fewest = min((n for other, n in enumerate(self._open) if other != worker and n != AWAY), default=None)
        return fewest is not None and self._open[worker] > fewest + fewest // 16

    def wait(self, worker: int, waits: bool) -> None:
        self._waiting[worker] = waits

    def bell(self, worker: int) -> int:
        """The file descriptor that can be read when a worker that waits is to look again."""
        return self._bells[worker][0]

    def ring(self, worker: int) -> None:
        """Wake the other workers that wait and now may go on."""
        for other, waits in enumerate(self._waiting):
            if waits and other != worker and not self.enough(other):
                with contextlib.suppress(BlockingIOError):
                    os.write(self._bells[other][1], b"!")


class Acceptor:
    """One worker's side of it; to uvicorn it is one of its servers."""

    def __init__(
        self, listening: socket.socket, shares: Shares, worker: int, connect: Callable[[Acceptor], Protocol]
    ) -> None:
        self._listening = listening
        self._shares = shares
        self._worker = worker
        self._connect = connect
        self._loop = asyncio.get_running_loop()
        self._connections: set[Protocol] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self.closed = False
        self._loop.add_reader(shares.bell(worker), self._rung)
        self._loop.add_reader(listening, self._can_accept)
        shares.tell(worker, 0)

    def ended(self, connection: Protocol) -> None:
        """The connection is no more."""
        self._connections.discard(connection)
        if not self.closed:
            self._shares.tell(self._worker, len(self._connections))
            self._look_again()

    def close(self) -> None:
        """Accept no more."""
        if not self.closed:
            self.closed = True
            self._shares.leave(self._worker)
            self._loop.remove_reader(self._listening)
            self._loop.remove_reader(self._shares.bell(self._worker))
            if self._pause is not None:
                self._pause.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _can_accept(self) -> None:
        for _ in range(IN_A_ROW):
            if self._shares.enough(self._worker):
                self._hold_back()
                return
            if not self._accept():
                return

    def _accept(self) -> bool:
        """Take one connection; False where there is none."""
        try:
            accepted, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as fault:
            if fault.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise
            logs.error("No more connections can be opened", fault)
            self._rest(EXHAUSTED_SECONDS, self._go_on)
            return False
        accepted.setblocking(False)
        connection = self._connect(self)
        self._connections.add(connection)
        self._shares.tell(self._worker, len(self._connections))
        self._shares.ring(self._worker)
        task = self._loop.create_task(self._serve(connection, accepted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _serve(self, connection: Protocol, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, accepted, ssl=connection.config.ssl)
        except OSError:
            # The client has gone in the meantime.
            accepted.close()
            self.ended(connection)

    def _hold_back(self) -> None:
        self._rest(PATIENCE_SECONDS, self._lose_patience)
        self._shares.wait(self._worker, True)
        # Another worker may have accepted just before it could see that this one waits.
        self._look_again()

    def _rest(self, seconds: float, then: Callable[[], Any]) -> None:
        self._loop.remove_reader(self._listening)
        if self._pause is not None:
            self._pause.cancel()
        self._pause = self._loop.call_later(seconds, then)

    def _lose_patience(self) -> None:
        self._go_on()
        self._accept()

    def _rung(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._shares.bell(self._worker), 4096)
        self._look_again()

    def _look_again(self) -> None:
        if self._pause is not None and not self._shares.enough(self._worker):
            self._go_on()

    def _go_on(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._shares.wait(self._worker, False)
        self._loop.add_reader(self._listening, self._can_accept)


class Connection(Protocol):
    """A connection that tells its acceptor when it has ended."""

    def __init__(
        self, config: uvicorn.Config, state: ServerState, app_state: dict[str, Any], acceptor: Acceptor
    ) -> None:
        super().__init__(config=config, server_state=state, app_state=app_state)
        self._acceptor = acceptor

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._acceptor.closed:
            self.loop.call_later(LATE_SECONDS, self.shutdown)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._acceptor.ended(self)
