"""JSON as Orthanc's reader takes it: with comments and trailing commas (spec 2.1).

The standard decoder does the work. Only a text that it refuses is cleaned of comments and
trailing commas and tried once more. Every step is linear in the size of the text.
"""

from __future__ import annotations

import json
import math
import re
from operator import itemgetter
from typing import NoReturn, cast

from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json

MAXIMUM_DEPTH = 500  # the data sets that Replace can express end at 64 levels of two brackets each
MAXIMUM_VALUES = 2_000_000  # about 200 MB once decoded; a bulk request may name that many instances

# A string or comment that is not closed reaches to the end, so that no search starts twice.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'  # possessive: no way back to remember for each escape
_STRUCTURE = re.compile(rf"{_STRING}|[\[{{\]}},]", re.DOTALL)
_COMMENTS = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TRAILING_COMMAS = re.compile(rf"{_STRING}|[\[{{]\s*,|,(?=\s*[\]}}])", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(data: bytes) -> Json:
    """Decode the body of a request, whatever its content type says.

    Parameters
    ----------
    data : bytes
        UTF-8, with or without a byte order mark. Of duplicate keys the last one counts. Keys come
        sorted: that is the order in which Orthanc goes through them, and where two names of the
        same tag contradict each other, the order decides.

    Raises
    ------
    BadFileFormatError
        If this is not JSON: also for NaN, infinities, numbers beyond all bounds, halves of
        surrogate pairs, brackets nested more than 500 deep, and more than two million values.
    """
    try:
        text = data.decode("utf-8-sig")
        _check_size(text)
        value = _decode_leniently(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        # The cause is left out: the decoder's message and its document hold what was sent.
        raise BadFileFormatError("Cannot parse the body of the request as JSON") from None
    return value


def _decode_leniently(text: str) -> Json:
    try:
        return _decode(text)
    except ValueError:
        uncommented = _COMMENTS.sub(lambda match: _unless_string(match, " "), text)
        return _decode(_TRAILING_COMMAS.sub(_without_comma, uncommented))


def _decode(text: str) -> Json:
    decoded = json.loads(
        text, strict=False, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_sorted_object
    )
    return cast("Json", decoded)


def _unless_string(match: re.Match[str], replacement: str) -> str:
    return match[0] if match[0][0] == '"' else replacement


def _without_comma(match: re.Match[str]) -> str:
    return "" if match[0] == "," else match[0]


def _check_size(text: str) -> None:
    """Refuse what would take a multiple of its size to decode, or too many levels."""
    openings = text.count("[") + text.count("{")
    if openings <= MAXIMUM_DEPTH and text.count(",") <= MAXIMUM_VALUES:
        return
    depth = values = 0
    for match in _STRUCTURE.finditer(text):
        mark = match[0]
        if mark in "]}":
            depth -= 1
        elif mark[0] != '"':
            values += 1  # one more, at least, after every comma and every opening bracket
            depth += mark != ","
            if depth > MAXIMUM_DEPTH or values > MAXIMUM_VALUES:
                raise ValueError


def _sorted_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    return dict(sorted(pairs, key=itemgetter(0)))


def _refuse(_constant: str) -> NoReturn:
    raise ValueError


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError
    return number
