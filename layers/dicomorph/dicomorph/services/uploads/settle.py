"""Write down what became of a file that was sent to an address of its own."""

from __future__ import annotations

from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Json
from dicomorph.model.uploads import Outcome
from dicomorph.services.backend import Backend

MOST_LISTED = 1_000
"""Members of an archive: each takes 350 bytes of a record, and an item of DynamoDB holds 400 KB."""


def stored(content: Json) -> Outcome:
    """Return the outcome of a file that was taken in.

    Parameters
    ----------
    content : Json
        What ``POST /instances`` would have answered; of an archive, a list of that, of which the
        first thousand are kept.
    """
    return Outcome(content=content[:MOST_LISTED] if isinstance(content, list) else content)


def refused(error: DicomorphError) -> Outcome:
    """Return the outcome of a file that never will be taken in, with what ``POST /instances`` would tell."""
    return Outcome(error_code=error.code, error_details=error.details)


def settle(backend: Backend, upload_id: str, outcome: Outcome) -> None:
    """Write down what became of a file; twice, and out of order, is harmless.

    A success is the last word. A failure gives way to it, since the client may have sent the file
    again. What nobody remembers any more is ignored.

    Raises
    ------
    TransientError
        If the records are out of reach; the same call may be repeated.
    """
    backend.uploads.records.settle(upload_id, outcome)
