"""The queue that tells of what has arrived: events of S3, and notes of ours in their place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dicomorph.model.errors import TransientError
from dicomorph.model.object_keys import INCOMING
from dicomorph.ports.arrivals import Arrived
from dicomorph.services.arrival.notes import Note


class ArrivalQueue:
    """The queue of SQS.

    Parameters
    ----------
    client : SQSClient
        A low-level client of SQS.
    url : str
        Of the queue.
    """

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, note: Note, *, delay: int = 0) -> None:
        """Ask for the work that a note is about, after so many seconds (900 at most).

        Raises
        ------
        TransientError
            If the queue does not take it.
        """
        body = json.dumps({"Note": note.token, "Cursor": note.cursor})
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay)
        except (ClientError, BotoCoreError) as error:
            raise TransientError("The queue of arrivals takes no message") from error

    def hold_back(self, receipt: str, seconds: int) -> None:
        """Let a message that was not worked off come again after so many seconds.

        Raises
        ------
        TransientError
            If that cannot be arranged; then it comes again when its time is over.
        """
        try:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
        except (ClientError, BotoCoreError) as error:
            raise TransientError("A message of the queue of arrivals is not held back") from error


def read_message(body: str) -> Arrived | Note | None:
    """Return what a message tells of; None if that is nothing to be taken.

    Parameters
    ----------
    body : str
        An event ``Object Created`` of S3 as EventBridge passes it on, where keys stand as they are, or
        what `ArrivalQueue.send` has written.

    Raises
    ------
    ValueError, LookupError, TypeError
        If it is neither; the message of the exception may quote it.
    """
    message = json.loads(body)
    if "Note" in message:
        return Note(str(message["Note"]), int(message["Cursor"]))
    return _arrived(message["detail"]["object"])


def _arrived(created: Mapping[str, Any]) -> Arrived | None:
    key = str(created["key"])
    if not key.startswith(INCOMING) or is_folder(key):
        return None
    return Arrived(key.removeprefix(INCOMING), key, str(created["version-id"]))


def is_folder(key: str) -> bool:
    """Tell whether a key is what consoles make for a folder: it stays, for others to be seen in it."""
    return key.endswith("/")
