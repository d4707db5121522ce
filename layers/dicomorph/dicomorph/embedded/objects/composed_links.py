"""Links to what is sent as new bytes around a range of a stored file, so that nothing of the range is copied.

::

    file://<root>/objects/results/<token>.dcm?of=<key>&start=<n>&stop=<n>&at=<n>

The file of the link holds the new bytes; the range of the other object goes in at a position of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import Source

_RANGE_FROM = 16 << 20  # bytes; to copy less costs little
_MOST_AROUND = 1 << 20  # bytes; they are sent from memory


class Composition(NamedTuple):
    """Where a range of another object goes in.

    Parameters
    ----------
    key : str
        Of that object.
    start, stop : int
        The range.
    at : int
        The position in the new bytes.
    """

    key: str
    start: int
    stop: int
    at: int

    def query(self) -> str:
        """Return it as the query of a link."""
        return urlencode({"of": self.key, "start": self.start, "stop": self.stop, "at": self.at})


def composition(key: str, source: Source, script: EditScript) -> tuple[Composition, bytes] | None:
    """Return how the output of a script is composed, and its new bytes; None if it is worth a copy.

    Parameters
    ----------
    key : str
        Of the object that is edited.
    """
    ranges = [(part[1] - part[0], at) for at, part in enumerate(script.parts) if isinstance(part, tuple)]
    size, number = max(ranges, default=(0, 0))
    kept = script.parts[number] if ranges else None
    if not isinstance(kept, tuple) or size < _RANGE_FROM or script.size - size > _MOST_AROUND:
        return None
    head, tail = (
        b"".join(EditScript.of(parts).chunks(source))
        for parts in (script.parts[:number], script.parts[number + 1 :])
    )
    return Composition(key, *kept, len(head)), head + tail


def composition_in(query: str) -> Composition | None:
    """Return what the query of a link says, None if the link is to a whole file."""
    found: Mapping[str, list[str]] = parse_qs(query)
    if "of" not in found:
        return None
    return Composition(found["of"][0], *(int(found[name][0]) for name in ("start", "stop", "at")))
