"""What is done for a connection, as far as it goes without waiting for the client."""

from __future__ import annotations

import enum
from functools import partial
from typing import TYPE_CHECKING, Final

from dicomorph.http.observability import log_failure
from dicomorph.model.errors import DicomorphError, InternalError
from local.front.bodies import Body, BodyStore
from local.front.connection import Connection, Phase
from local.front.memory import Memory

if TYPE_CHECKING:
    from local.application import Application

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LONG_HEADS: Final = 64 << 20  # bytes, of all requests at once
_MOST_UNREAD: Final = 16  # pieces at a time of what is thrown away


class Next(enum.Enum):
    """What a connection needs then."""

    CLIENT = enum.auto()
    """The client has to send or take something."""

    CALL = enum.auto()
    """A thread has to go on: a head came, or it turned out that the call waits for a job."""

    HEAD = enum.auto()
    """An answer was sent: the next request may be there already."""

    END = enum.auto()


class Conversation:
    """HTTP/1 with one client after the other; knows neither threads nor the porch.

    Parameters
    ----------
    application : Application
        Answers the requests.
    bodies : BodyStore
        Where bodies go.
    """

    def __init__(self, application: Application, bodies: BodyStore) -> None:
        self._application = application
        self._bodies = bodies
        self._heads = Memory(_LONG_HEADS)
        self.is_ending = False
        """Whether each answer is the last one on its connection."""

    def hear(self, connection: Connection) -> Next:
        """Read on in a head; of a client that was told to leave, read what it still sends."""
        try:
            if connection.phase is Phase.HANDSHAKE:
                if not connection.shake_hands():
                    return Next.CLIENT
                connection.enter(Phase.HEAD)
            if connection.phase is Phase.FAREWELL:
                return self._hear_out(connection)
            return self._read_head(connection)
        except OSError:  # it went away, or speaks no TLS
            return Next.END
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the server
            return self.refuse(connection, error)

    def go_on(self, connection: Connection) -> Next:
        """Read the body, have the request answered, send the answer; whatever is next of it."""
        try:
            if connection.phase is Phase.BODY:
                if not self._read_body(connection):
                    return Next.CLIENT
                connection.enter(Phase.CALL)
                connection.waits = self._application.waits(connection)
                if connection.waits:
                    return Next.CALL
            if connection.phase is Phase.CALL:
                self._answer(connection)
            return self._send(connection)
        except OSError:
            return Next.END
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the server
            return self.refuse(connection, error)

    def refuse(self, connection: Connection, error: Exception) -> Next:
        """Answer with an error, whatever the client still sends, and be done with it."""
        if connection.phase is Phase.ANSWER:  # too late for another one
            if not isinstance(error, DicomorphError):
                log_failure(error, route="", method="")
            return Next.END
        connection.is_last = True
        if connection.asked is None:
            connection.forget_head()
        known = error if isinstance(error, DicomorphError) else InternalError()
        connection.outgoing = self._application.failure(known, connection.asked, cause=error)
        self._begin(connection)
        try:
            return self._send(connection)
        except OSError:
            return Next.END

    def _read_head(self, connection: Connection) -> Next:
        while (piece := connection.receive()) is not None:
            if not connection.reader.has_begun:
                connection.enter(Phase.HEAD)
            found = connection.reader.feed(piece)
            connection.keep_head(self._heads)
            if found is not None:
                head, rest = found
                connection.give_back(rest)
                connection.asked = self._application.understand(head, connection)
                connection.waits = False
                connection.enter(Phase.BODY)
                return Next.CALL
        return Next.CLIENT

    def _hear_out(self, connection: Connection) -> Next:
        for _ in range(_MOST_UNREAD):
            if connection.receive() is None:
                break
        return Next.CLIENT

    def _read_body(self, connection: Connection) -> bool:
        asked = connection.asked
        assert asked is not None  # noqa: S101 - for mypy
        if connection.body is None:
            admit = partial(self._application.admit, asked)
            connection.body = Body(self._bodies, asked.head.length, admit)
            if asked.head.expects_continue and asked.head.length != 0 and not connection.has_more:
                connection.send(_CONTINUE, is_end=True)
        return connection.body.read(connection)

    def _answer(self, connection: Connection) -> None:
        asked, body = connection.asked, connection.body
        assert asked is not None  # noqa: S101 - for mypy
        assert body is not None  # noqa: S101 - for mypy
        connection.outgoing = self._application.answer(asked, body)
        body.close()  # before the client learns of it: what it finds then is what stays
        connection.body = None
        connection.is_last = self.is_ending or not asked.head.keeps_alive
        self._begin(connection)

    @staticmethod
    def _begin(connection: Connection) -> None:
        assert connection.outgoing is not None  # noqa: S101 - for mypy
        asked = connection.asked
        connection.enter(Phase.ANSWER)
        connection.outgoing.begin(
            version="1.1" if asked is None else asked.head.version,
            keeps_alive=not connection.is_last,
            has_body=asked is None or not asked.is_head,
        )

    @staticmethod
    def _send(connection: Connection) -> Next:
        assert connection.outgoing is not None  # noqa: S101 - for mypy
        if not connection.outgoing.send(connection):
            return Next.CLIENT
        connection.forget_request()
        if not connection.is_last:
            connection.is_new = False
            connection.enter(Phase.HEAD)
            return Next.HEAD
        # To close while the client sends would reset the connection, and it might not see its answer.
        connection.hang_up()
        connection.enter(Phase.FAREWELL)
        return Next.CLIENT
