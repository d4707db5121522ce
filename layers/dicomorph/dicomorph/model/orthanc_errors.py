"""Orthanc's error codes: their texts and HTTP statuses, which clients compare (spec 2.1).

The list is data of the API. Four statuses differ from Orthanc's 500 on purpose: 27 is
400 (a misspelled tag is the caller's mistake, spec 8), 19 is 507 (spec 2.2), 16 is 504 (a
synchronous call that outlived the gateway, spec 8), and 6 is 409 (a job can no longer be
stopped: the state of the job is in the way, not the request). One differs from Orthanc's 404:
13 is 500 (the instance is there, and its file should be).
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

_INTERNAL_ERROR = -1


def describe_code(code: int) -> tuple[str, int]:
    """Return the text of an error code and the HTTP status it is reported with.

    Parameters
    ----------
    code : int
        Orthanc's ``OrthancStatus``; an unknown one is described as an internal error.

    Examples
    --------
    >>> describe_code(17)
    ('Unknown resource', 404)
    """
    codes = _codes()
    return codes.get(code, codes[_INTERNAL_ERROR])


@functools.cache
def _codes() -> dict[int, tuple[str, int]]:
    document = json.loads(Path(__file__).with_name("orthanc_errors.json").read_text(encoding="utf-8"))
    return {int(code): (text, status) for code, (text, status) in document.items()}
