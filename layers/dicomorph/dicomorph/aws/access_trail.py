"""The access trail as a log group of CloudWatch, with a stream for each process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dicomorph.model.errors import InternalError, TransientError

_AWAY = "The access trail is throttled or out of reach"
_REFUSED = "The access trail refused a line"
_LARGEST_CALL = 1_000_000  # bytes; PutLogEvents takes 1,048,576, with 26 for each event
_OF_EACH = 26
_PASSING = frozenset(
    ("ThrottlingException", "ServiceUnavailableException", "InternalFailure", "OperationAbortedException")
)


class CloudWatchTrail:
    """The port `AccessTrail` over a log group.

    A call answers when CloudWatch has taken the events, after 10 to 30 ms.

    Parameters
    ----------
    client : CloudWatchLogsClient
        A low-level client that retries throttled calls.
    group : str
        The name of the log group, which exists.
    stream : str
        The name of a stream that no other process writes to; it is made before the first line.
    now : Callable[[], float]
        Seconds since 1970.
    """

    def __init__(self, client: Any, group: str, stream: str, *, now: Callable[[], float] = time.time) -> None:
        self._client = client
        self._group = group
        self._stream = stream
        self._now = now
        self._is_made = False
        self._making = threading.Lock()

    def write(self, lines: Sequence[str]) -> None:
        """See `AccessTrail.write`."""
        try:
            self._make_stream()
            for some in _calls(lines):
                self._put(some)
        except ClientError as error:
            raise _meaning(error) from None
        except BotoCoreError as error:
            raise TransientError(_AWAY) from error

    def _make_stream(self) -> None:
        with self._making:
            if self._is_made:
                return
            try:
                self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                    raise
            self._is_made = True

    def _put(self, lines: Sequence[str]) -> None:
        moment = int(1000 * self._now())
        events = [{"timestamp": moment, "message": line} for line in lines]
        answer = self._client.put_log_events(
            logGroupName=self._group, logStreamName=self._stream, logEvents=events
        )
        if answer.get("rejectedLogEventsInfo"):  # a clock that is far from CloudWatch's
            raise InternalError(_REFUSED)


def _calls(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield as many lines as one call takes, until all are given."""
    some: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + _OF_EACH
        if some and size > _LARGEST_CALL:
            yield some
            some, size = [], len(line) + _OF_EACH
        some.append(line)
    if some:
        yield some


def _meaning(error: ClientError) -> InternalError | TransientError:
    """Return our error; the message of theirs may quote lines."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    is_passing = error.response["Error"]["Code"] in _PASSING or status >= 500  # noqa: PLR2004 - HTTP
    return TransientError(_AWAY) if is_passing else InternalError(_REFUSED)
