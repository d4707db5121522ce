"""One invocation of the function that takes in what arrives: some messages of the queue.

A message of S3 names a key, which people choose, so it never comes to rest: what fails for the first
time, and what a crash has left, is noted (`services.arrival.notes`), and the queue is given the number
of the note in its place. So what ends in the queue of dead letters is a number.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from dicomorph.aws.arrivals.queue import ArrivalQueue, read_message
from dicomorph.aws.arrivals.waiting import Waiting
from dicomorph.model.failures import causes
from dicomorph.ports.arrivals import Arrived
from dicomorph.ports.objects import ObjectStore
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.notes import Note, forget_notes, read_note, write_note
from dicomorph.services.arrival.outcomes import Continued, Gone, Progress, Taken
from dicomorph.services.arrival.take import take

# Seconds of an invocation that are left when the last message is begun: a file of some gigabytes takes them.
_RESERVE = 240
_FIRST_PAUSE = 60  # seconds before a second attempt; each further one waits four times as long
_LONGEST_PAUSE = 3600
_logger = logging.getLogger(__name__)


class Ingestion:
    """Takes in what messages tell of.

    Parameters
    ----------
    objects : ObjectStore
        Keeps the notes.
    queue : ArrivalQueue
        Where the messages are from.
    door : Callable[[], Door]
        Where files arrive, and go. It may fail, where settings mean nothing: then files wait.
    waiting : Waiting
        Tells what has arrived and is still there.
    """

    def __init__(
        self, objects: ObjectStore, queue: ArrivalQueue, door: Callable[[], Door], waiting: Waiting
    ) -> None:
        self._objects = objects
        self._queue = queue
        self._door = door
        self._waiting = waiting

    def handle(self, messages: Iterable[Mapping[str, Any]], *, remaining: Callable[[], float]) -> list[str]:
        """Work off messages; return the ids of those that are to come again.

        Parameters
        ----------
        messages : Iterable[Mapping[str, Any]]
            As Lambda passes them on.
        remaining : Callable[[], float]
            The seconds that are left of this invocation.
        """
        failed: list[str] = []
        outcomes: Counter[str] = Counter()
        for number, message in enumerate(messages):
            try:
                if number and remaining() < _RESERVE:
                    self._give_back(message, 0)
                    failed.append(message["messageId"])
                    continue
                outcomes[self._deliver(message)] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, this message alone comes again
                _logger.error("An arrival failed: %s", ", ".join(causes(error)))  # noqa: TRY400 - it may quote
                self._give_back(message, _pause(_receives(message)))
                failed.append(message["messageId"])
        if outcomes:
            _logger.info("Arrivals: %s", ", ".join(f"{name} {n}" for name, n in sorted(outcomes.items())))
        return failed

    def watch(self) -> str:
        """Return a line for the log from which CloudWatch takes for how long files have been waiting."""
        return self._waiting.metric(datetime.now(UTC))

    def _deliver(self, message: Mapping[str, Any]) -> str:
        found = read_message(message["body"])
        if found is None:
            return "ignored"
        if isinstance(found, Note):
            return self._go_on(found)
        if _receives(message) > 1:  # whoever had it before did not live to note it
            return self._postpone(found, 0)
        return self._begin(found)

    def _begin(self, arrived: Arrived) -> str:
        try:
            taken = take(self._door(), arrived)
        except Exception as error:  # noqa: BLE001 - whatever it is, the name must not rest in the queue
            _logger.warning("An arrival is put off: %s", ", ".join(causes(error)))
            return self._postpone(arrived, _FIRST_PAUSE)
        return self._end(arrived, taken)

    def _postpone(self, arrived: Arrived, delay: int) -> str:
        self._queue.send(write_note(self._objects, arrived, Progress()), delay=delay)
        return "put off"

    def _go_on(self, note: Note) -> str:
        noted = read_note(self._objects, note)
        if noted is None:
            return "done before"
        arrived, progress = noted
        taken = take(self._door(), arrived, progress=progress)
        outcome = self._end(arrived, taken)
        if not isinstance(taken, Continued):
            forget_notes(self._objects, note)
        return outcome

    def _end(self, arrived: Arrived, taken: Taken) -> str:
        if isinstance(taken, Continued):
            self._queue.send(write_note(self._objects, arrived, taken.progress))
        return "done before" if isinstance(taken, Gone) else type(taken).__name__.lower()

    def _give_back(self, message: Mapping[str, Any], pause: int) -> None:
        try:
            self._queue.hold_back(message["receiptHandle"], pause)
        except Exception as error:  # noqa: BLE001 - then it comes again later
            _logger.warning("A message waits for its time: %s", ", ".join(causes(error)))


def _receives(message: Mapping[str, Any]) -> int:
    return int(message["attributes"]["ApproximateReceiveCount"])


def _pause(receives: int) -> int:
    return int(min(_LONGEST_PAUSE, _FIRST_PAUSE * 4 ** (receives - 1)))
