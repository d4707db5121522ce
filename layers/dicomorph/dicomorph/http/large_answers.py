"""JSON that an answer cannot carry: stored for a while, and answered by its address."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from aws_lambda_powertools.event_handler import Response

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import Source
from dicomorph.http.json_pieces import json_pieces
from dicomorph.http.responses import JSON, json_elsewhere, json_text_answer
from dicomorph.model.object_keys import TOKEN_BYTES, file_name, result_key
from dicomorph.model.resources import JsonStream, ObjectRef
from dicomorph.services.backend import Backend
from dicomorph.services.browse.read_instance import LARGEST_TEXT
from dicomorph.services.deadline import Deadline

UNANSWERED = "The answer takes longer than anybody waits for it: ask for less at once"
"""What is said to a caller whose time was too short."""

_WIDEST = 4  # bytes of a character, and of an escaped one that JSON text has
_PIECE = 1 << 16  # characters
_STORED_A_SECOND = 40_000_000  # bytes: what a function of 1.8 GB sends to S3 in any case


def long_answer(backend: Backend, value: JsonStream, deadline: Deadline) -> Response[Any]:
    """Answer 200 with JSON that is made while it is written, or 303 with its address.

    Whatever its length, a piece of it is in memory, and the rest in a file beyond a mebibyte.

    Raises
    ------
    StorageFullError, TransientError
        If it cannot be stored.
    TimeLimitError
        If there is not enough time for it.
    """
    with closing(backend.objects.scratch.keep(_encoded(json_pieces(value), deadline))) as source:
        if source.size <= LARGEST_TEXT:
            return json_text_answer(source.read(0, source.size).decode("utf-8", "surrogatepass"))
        deadline.check(needed=source.size / _STORED_A_SECOND)
        return _elsewhere(backend, source)


def carried(backend: Backend, answer: Response[Any]) -> Response[Any]:
    """Return an answer that fits through Lambda: itself, or a redirection to what it says.

    The lists of a job for ten thousands of instances, or of all instances, do not fit.

    Raises
    ------
    StorageFullError, TransientError
        If the answer cannot be stored.
    """
    text = answer.body
    if answer.content_type != JSON or not isinstance(text, str) or not _is_too_large(text):
        return answer
    return _elsewhere(backend, text.encode("utf-8", "surrogatepass"))


def _elsewhere(backend: Backend, text: bytes | Source) -> Response[Any]:
    key = result_key(backend.new_token(TOKEN_BYTES), "json")
    stored: ObjectRef
    if isinstance(text, bytes):
        stored = backend.objects.put(key, text)
    else:
        stored = backend.objects.put_script(key, text, EditScript.of([(0, text.size)]))
    return json_elsewhere(backend.objects.link(stored, file_name=file_name(key)))


def _encoded(pieces: Iterable[str], deadline: Deadline) -> Iterator[bytes]:
    """Yield the bytes of a text and a line break, many pieces at a time, as long as there is time."""
    waiting: list[str] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length > _PIECE:
            deadline.check()
            yield "".join(waiting).encode("utf-8", "surrogatepass")
            waiting, length = [], 0
    yield "".join([*waiting, "\n"]).encode("utf-8", "surrogatepass")


def _is_too_large(text: str) -> bool:
    if len(text) * _WIDEST <= LARGEST_TEXT:
        return False
    passed_on = json.dumps(text, ensure_ascii=False)
    return len(passed_on.encode("utf-8", "surrogatepass")) > LARGEST_TEXT
