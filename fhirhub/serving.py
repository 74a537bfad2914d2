"""Serving: one listening socket, one or several worker processes, and an orderly end.

Workers are forked from a process that has the code in memory and nothing open. They share the listening
socket (`accepting` says how its connections) and one pipe whose other end only the parent holds: where the
parent is gone, however it went, the pipe ends and the workers stop. A worker that dies is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import selectors
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from fhirhub import app, logs, metrics
from fhirhub.accepting import Acceptor, Connection, Shares
from fhirhub.api.wire import Protocol
from fhirhub.auth.revocation import Mark
from fhirhub.settings import Refusal, Settings
from fhirhub.store.turn import Turn, Turns
from fhirhub.web import binding

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 10.0
"""A worker that lived this long counts as one that started well."""
LAST_SECONDS = 5
"""What workers get beyond the time for requests under way, before they are killed."""


class CannotListen(Refusal):
    """The address is taken or not ours; the text says which and why."""


def listen(settings: Settings) -> socket.socket:
    """The listening socket of host and port. Raises CannotListen, also where https cannot be spoken on it."""
    _secured(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(BACKLOG)
    except OSError as fault:
        listening.close()
        raise CannotListen(f"{settings.host}:{settings.port}: {fault.strerror or fault}") from None
    listening.setblocking(False)
    return listening


def serve(settings: Settings, listening: socket.socket, ready: Callable[[], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. Calls `ready` when the first answer can be given."""
    if settings.workers == 1:
        return _work(settings, listening, ready)
    return _Supervisor(settings, listening, ready).run()


def _work(
    settings: Settings,
    listening: socket.socket,
    ready: Callable[[], None],
    place: _Place | None = None,
) -> int:
    """Serve in this process; `place` where there are other workers."""
    # What is in memory now stays, with the little garbage that is in it, which takes a tenth of the start to find:
    # the collector need not look at it again, nor as often.
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()

    async def publish() -> None:
        metrics.publish()

    config = uvicorn.Config(
        app.create_app(settings, place.mark, place.turn) if place else app.create_app(settings),
        loop="uvloop",
        http=Protocol,
        ws="websockets-sansio",
        ws_max_size=binding.MAX_MESSAGE_BYTES,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        callback_notify=publish,
        timeout_notify=1,
    )
    config.load()
    config.ssl = _secured(settings)
    server = _Server(config, ready, place)
    try:
        server.run(sockets=[listening])
    except SystemExit as ended:
        # How uvicorn says that the application did not start; the application has logged why.
        return ended.code if isinstance(ended.code, int) else 1
    return 0 if server.started else 1


def _secured(settings: Settings) -> ssl.SSLContext | None:
    """What https is spoken with, where there is a certificate. Raises CannotListen where it cannot be used."""
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as fault:
        raise CannotListen(f"{settings.tls_certificate} and {settings.tls_key}: {fault}") from None
    return context


@dataclass(frozen=True, slots=True)
class _Place:
    """What a worker has besides the listening socket where there are others."""

    number: int
    shares: Shares
    mark: Mark
    turn: Turn
    parent: int
    """The pipe that ends with the parent."""


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready and ends in good order, also when its parent is gone."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], place: _Place | None) -> None:
        super().__init__(config)
        self._ready = ready
        self._place = place
        self._parent = place.parent if place else None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._place is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            self.servers = [self._acceptor(listening, self._place) for listening in sockets or ()]
        if self.started and not self.should_exit:
            self._ready()

    def _acceptor(self, listening: socket.socket, place: _Place) -> Any:
        def connect(acceptor: Acceptor) -> Connection:
            return Connection(self.config, self.server_state, self.lifespan.state, acceptor)

        return Acceptor(listening, place.shares, place.number, connect)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        if self._parent is not None:
            loop.add_reader(self._parent, self._orphaned)
        try:
            yield
        finally:
            if self._parent is not None:
                loop.remove_reader(self._parent)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _end(self, number: int) -> None:
        self.handle_exit(number, None)

    def _orphaned(self) -> None:
        assert self._parent is not None
        asyncio.get_running_loop().remove_reader(self._parent)
        self.should_exit = True


@dataclass(slots=True)
class _Worker:
    """One place for a worker process, and who is in it."""

    number: int
    process: int = 0
    started: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due: float = 0.0
    """When the place is to be filled again, where it is empty."""


class _Supervisor:
    """Starts the workers, replaces the dead, and ends them all."""

    def __init__(self, settings: Settings, listening: socket.socket, ready: Callable[[], None]) -> None:
        self._settings = settings
        self._listening = listening
        self._ready = ready
        self._workers = [_Worker(number) for number in range(settings.workers)]
        self._shared = metrics.Shared(settings.workers)
        self._shares = Shares(settings.workers)
        self._mark = Mark()
        self._turns = Turns(settings.workers)
        self._lifeline, self._lifeline_end = os.pipe()
        self._news, self._news_end = os.pipe()
        self._wakeup, self._wakeup_end = os.pipe()
        self._waiting = {worker.number for worker in self._workers}
        self._ending = False

    def run(self) -> int:
        for end in (self._wakeup, self._wakeup_end, self._news):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wakeup_end, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_end)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        app.load(self._settings)
        gc.freeze()
        for worker in self._workers:
            self._start(worker)
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakeup, selectors.EVENT_READ)
            selector.register(self._news, selectors.EVENT_READ)
            while not self._ending:
                selector.select(self._until_due())
                _drain(self._wakeup)
                self._hear()
                for worker, status in self._reap():
                    if self._waiting:
                        logs.error("A worker did not start", status=status)
                        self._ending = True
                        self._finish()
                        return 1
                    self._replace(worker, status)
                for worker in self._workers:
                    if worker.process == 0 and worker.due <= time.monotonic() and not self._ending:
                        self._start(worker)
        self._finish()
        return 0

    def _asked_to_end(self, number: int, frame: object) -> None:
        self._ending = True

    def _hear(self) -> None:
        """Take note of workers that say they are ready."""
        for number in _drain(self._news):
            if self._waiting:
                self._waiting.discard(number)
                if not self._waiting:
                    self._ready()

    def _until_due(self) -> float | None:
        dues = [worker.due for worker in self._workers if worker.process == 0]
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def _start(self, worker: _Worker) -> None:
        process = os.fork()
        if process == 0:
            status = 1
            try:
                status = self._be(worker)
            except BaseException as fault:
                logs.error("A worker failed", fault)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        worker.process, worker.started = process, time.monotonic()

    def _be(self, worker: _Worker) -> int:
        """A worker's whole life."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        if self._ending:
            return 0
        for end in (self._lifeline_end, self._news, self._wakeup, self._wakeup_end):
            os.close(end)
        metrics.share(self._shared, worker.number)

        def ready() -> None:
            metrics.WORKERS_STARTED.inc()
            # At once: one that is killed in its first second counts too.
            metrics.publish()
            _say(self._news_end, worker.number)

        return _work(
            self._settings,
            self._listening,
            ready,
            _Place(
                worker.number,
                self._shares,
                self._mark,
                self._turns.of(worker.number),
                self._lifeline,
            ),
        )

    def _reap(self) -> Iterator[tuple[_Worker, int]]:
        for worker in self._workers:
            if worker.process:
                process, status = os.waitpid(worker.process, os.WNOHANG)
                if process:
                    worker.process = 0
                    self._shares.leave(worker.number)
                    yield worker, os.waitstatus_to_exitcode(status)

    def _replace(self, worker: _Worker, status: int) -> None:
        """Fill the place again: at once, or later and later where workers keep dying young."""
        now = time.monotonic()
        if now - worker.started > STEADY_SECONDS:
            worker.pause, worker.due = FIRST_PAUSE_SECONDS, now
        else:
            worker.due, worker.pause = now + worker.pause, min(worker.pause * 2, LONGEST_PAUSE_SECONDS)
        logs.error("A worker died and is replaced", status=status, seconds=round(worker.due - now, 1))

    def _finish(self) -> None:
        """Ask the workers to end, wait as long as the settings give them, then end them."""
        self._listening.close()
        self._signal(signal.SIGTERM)
        last = time.monotonic() + self._settings.shutdown_seconds + LAST_SECONDS
        while any(worker.process for worker in self._workers) and time.monotonic() < last:
            list(self._reap())
            time.sleep(0.02)
        self._signal(signal.SIGKILL)
        while any(worker.process for worker in self._workers):
            list(self._reap())
            time.sleep(0.02)

    def _signal(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.process, number)


def _say(end: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.write(end, bytes((number % 256,)))


def _drain(end: int) -> bytes:
    content = b""
    with contextlib.suppress(BlockingIOError):
        while part := os.read(end, 4096):
            content += part
    return content
