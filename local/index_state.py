"""What a start asks of the index, before it builds on it."""

from __future__ import annotations

import sys
from pathlib import Path

from dicomorph.embedded.care.soundness import UnusableIndexError, check_index
from local.data_folder import BACKUP, lost_index


def require_index(data: Path) -> None:
    """See that the index of a locked data folder is whole; a backup that is served is none any more.

    Raises
    ------
    DataFolderError
        If it is not; nothing has changed then.
    """
    try:
        is_through = check_index(data)
    except UnusableIndexError as error:
        raise lost_index(data, str(error)) from error
    (data / BACKUP).unlink(missing_ok=True)
    if not is_through:
        print("Warning: index.db is too large to be looked through at a start.", file=sys.stderr, flush=True)
