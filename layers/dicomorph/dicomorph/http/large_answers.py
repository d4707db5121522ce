"""JSON that an answer cannot carry: stored for a while, and answered by its address."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.event_handler import Response

from dicomorph.http.responses import JSON, json_elsewhere
from dicomorph.model.object_keys import TOKEN_BYTES, file_name, result_key
from dicomorph.services.backend import Backend
from dicomorph.services.browse.read_instance import LARGEST_TEXT

_WIDEST = 4  # bytes of a character, and of an escaped one that JSON text has


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
    key = result_key(backend.new_token(TOKEN_BYTES), "json")
    stored = backend.objects.put(key, text.encode("utf-8", "surrogatepass"))
    return json_elsewhere(backend.objects.link(stored, file_name=file_name(key)))


def _is_too_large(text: str) -> bool:
    if len(text) * _WIDEST <= LARGEST_TEXT:
        return False
    passed_on = json.dumps(text, ensure_ascii=False)
    return len(passed_on.encode("utf-8", "surrogatepass")) > LARGEST_TEXT
