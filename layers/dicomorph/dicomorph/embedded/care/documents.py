"""The documents of jobs, read without a store: that would make folders of its own."""

from __future__ import annotations

from pathlib import Path

from dicomorph.embedded.objects.errors import translated
from dicomorph.embedded.objects.folders import ABSENT, path_of


class StoredDocuments:
    """The port `Documents` over a folder of objects.

    Parameters
    ----------
    objects : Path
        The folder.
    """

    def __init__(self, objects: Path) -> None:
        self._objects = str(objects)

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, None if there are none."""
        with translated():
            try:
                return Path(path_of(self._objects, key)).read_bytes()
            except ABSENT:
                return None
