"""Serving until a signal comes, and ending without a request lost."""

from __future__ import annotations

import resource
import signal
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from dicomorph.http.observability import log_failure
from local.front.bodies import BodyStore
from local.front.connection import PATIENCE, Connection, Phase
from local.front.conversation import Conversation, Next
from local.front.errors import RequestTimeoutError, ServerBusyError
from local.front.listening import listen
from local.front.porch import Porch
from local.front.threads import Threads

if TYPE_CHECKING:
    from local.application import Application

DRAIN_SECONDS: Final = 10.0
_FOR_ERRORS: Final = 1.0  # of these, for telling those who still wait that they wait in vain
_DOOR_SECONDS: Final = 1.0  # for letting in who has connected, however many go on to do so
_GRACE_SECONDS: Final = 0.2  # for the request of a client that has just connected
_HEAD_SECONDS: Final = 1.0  # for the rest of a head that comes then
# A thread that was at work for longer is behind all others for a processor: on a busy machine, the
# next request would wait for a tick of the system's clock at each access to the disk.
_QUICK_SECONDS: Final = 0.001
_RESPITE_SECONDS: Final = 0.05
_SHORT_PATIENCE: Final = 0.002  # with clients whose body or answer comes and goes bit by bit

_SHORT_THREADS: Final = 64
_SHORT_QUEUE: Final = 1000
_WAITING_THREADS: Final = 256
_MOST_CONNECTIONS: Final = 10_000
_SPARE_DESCRIPTORS: Final = 128  # for the store, the database and the workers


def serve(
    application: Application,
    listener: socket.socket,
    *,
    spool: Path,
    tls: ssl.SSLContext | None,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests that are under way.

    Parameters
    ----------
    spool : Path
        A folder for bodies.
    ready : Callable
        Called once connections are accepted.

    Raises
    ------
    CannotListenError
        If the address was taken meanwhile.
    """
    listen(listener)
    front = Front(application, Porch(listener, tls=tls, most=_most_connections()), BodyStore(spool))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, front.ask_to_stop)
    ready()
    front.run()


class Front:
    """The porch, the threads, and what goes between them."""

    def __init__(self, application: Application, porch: Porch, bodies: BodyStore) -> None:
        self._application = application
        self._porch = porch
        self._conversation = Conversation(application, bodies)
        # Whoever waits for a job does so apart from those whose answer takes no time.
        self._short = Threads("request", most=_SHORT_THREADS, queue=_SHORT_QUEUE)
        self._waiting = Threads("job", most=_WAITING_THREADS, queue=0)
        self._is_asked_to_stop = False

    def ask_to_stop(self, number: int, _frame: FrameType | None) -> None:
        """Remember a signal; a second one ends the process at once."""
        self._is_asked_to_stop = True
        self._porch.wake()
        signal.signal(number, signal.SIG_DFL)

    def run(self) -> None:
        """Serve until a signal comes, and then to the end."""
        while not self._is_asked_to_stop:
            self._turn(0.5)
        self._drain()

    def _turn(self, seconds: float) -> None:
        try:
            self._watch(seconds)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the server
            log_failure(error, route="", method="")
            time.sleep(_RESPITE_SECONDS)

    def _watch(self, seconds: float) -> None:
        for connection in self._porch.look(seconds):
            self._stir(connection)
        for connection in self._porch.overdue():
            if connection.phase is Phase.BODY:
                self._settle(connection, self._conversation.refuse(connection, RequestTimeoutError()))
            else:
                self._porch.end(connection)

    def _stir(self, connection: Connection) -> None:
        if connection.phase in (Phase.BODY, Phase.ANSWER):
            self._hand_over(connection)
        else:
            self._settle(connection, self._conversation.hear(connection))

    def _settle(self, connection: Connection, found: Next) -> None:
        """Do what a connection of the porch needs."""
        if found is Next.CALL:
            self._hand_over(connection)
        elif found is Next.CLIENT:
            self._porch.keep(connection)
        else:
            self._porch.end(connection)

    def _hand_over(self, connection: Connection) -> None:
        """Let a thread go on with a connection; if there is none, say so."""
        self._porch.release(connection)
        if self._dispatch(connection):
            return
        connection.be_patient(0)
        self._settle(connection, self._conversation.refuse(connection, ServerBusyError("Too many calls")))

    def _dispatch(self, connection: Connection) -> bool:
        # Only the call waits for a job: the answer that follows, bit by bit, needs no such thread.
        waits = connection.waits and connection.phase is Phase.CALL
        threads = self._waiting if waits else self._short
        begun = connection.phase is Phase.ANSWER or connection.body is not None
        return threads.start(partial(self._attend, connection, threads), has_begun=begun and not waits)

    def _attend(self, connection: Connection, threads: Threads) -> None:
        """Serve a connection on a thread, until the client makes it wait."""
        found = Next.END
        try:
            found = self._serve(connection, threads)
            if found is Next.CLIENT:
                connection.be_patient(0)
                connection.take_turn()
                self._porch.park(connection)
        except OSError:  # it had to make room just now
            found = Next.END
        except Exception as error:  # noqa: BLE001 - nothing is told of it but its kind and place
            log_failure(error, route="", method="")
        if found is Next.END:
            self._porch.forget(connection)

    def _serve(self, connection: Connection, threads: Threads) -> Next:
        resumed = connection.phase is Phase.ANSWER or connection.body is not None
        connection.be_patient(_SHORT_PATIENCE if resumed else PATIENCE)
        connection.take_turn(threads.are_wanted)
        while True:
            began = time.perf_counter()
            found = self._conversation.go_on(connection)
            if found is Next.HEAD:
                took = time.perf_counter() - began
                stays = not (took > _QUICK_SECONDS or threads.is_scarce or self._conversation.is_ending)
                connection.be_patient(PATIENCE if stays else 0)
                found = self._conversation.hear(connection)
            if found is not Next.CALL:
                return found
            belongs_here = connection.waits is (threads is self._waiting)
            # Who sends one request after the other, without waiting for answers, has one in a turn.
            if (not belongs_here or threads.are_wanted()) and self._dispatch(connection):
                return Next.CALL
            if not belongs_here:
                return self._conversation.refuse(connection, ServerBusyError("Too many calls"))

    def _drain(self) -> None:
        """Finish what has been asked for, for a limited time, while nothing new comes in."""
        deadline = time.monotonic() + DRAIN_SECONDS
        self._conversation.is_ending = True
        self._application.stop_waiting(deadline - _FOR_ERRORS)
        door = time.monotonic() + _DOOR_SECONDS
        while self._porch.has_callers and time.monotonic() < door:
            self._turn(0)  # lets in whoever has connected, who would be reset otherwise
        self._porch.shut()
        grace = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < grace:
            self._turn(_GRACE_SECONDS / 4)
        while self._porch.connections and time.monotonic() < deadline:
            for connection in self._porch.idle(since=time.monotonic() - _HEAD_SECONDS):
                self._porch.end(connection)
            self._turn(0.05)
        self._porch.close()


def _most_connections() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(16, min(_MOST_CONNECTIONS, (soft - _SPARE_DESCRIPTORS) // 2))  # one each, and a file
