"""What a client says of a file before it sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dicomorph.model.errors import BadFileFormatError, BadRequestError, ParameterOutOfRangeError
from dicomorph.model.json_fields import refuse_misspelled
from dicomorph.model.resources import Json
from dicomorph.model.uploads import Announcement, Digest

_FIELDS: Final = frozenset({"Checksum", "PartSize", "Size"})

# S3's limits, in bytes, which hold on one machine as well: clients need not know which server it is.
_LARGEST: Final = 5 << 40
_LARGEST_PART: Final = 5 << 30
_SMALLEST_PART: Final = 5 << 20
_MOST_PARTS: Final = 1_200  # S3 has 10,000; the addresses of more would not fit into an answer
_USUAL_PART: Final = 256 << 20
_MIB: Final = 1 << 20


def read_announcement(body: Mapping[str, Json]) -> Announcement:
    """Read what a client announces.

    Parameters
    ----------
    body : Mapping[str, Json]
        ``Size`` in bytes; ``PartSize`` in bytes, for a file that is to go in parts, as one above
        5 GiB does anyway; ``Checksum``, an object with ``Crc32`` or ``Sha256`` in hex: one text, or
        an array with that of each part.

    Raises
    ------
    BadFileFormatError
        If a field has another form.
    ParameterOutOfRangeError
        If the file, or its parts, are smaller, larger or more than can be sent.
    BadRequestError
        If there are not as many checksums as parts.
    """
    refuse_misspelled(body, _FIELDS, others=())
    size = _count(body, "Size")
    if size > _LARGEST:
        raise ParameterOutOfRangeError("'Size' is above 5 TiB")
    digest, checksums = _checksums(body.get("Checksum"))
    if digest and size > _LARGEST_PART and "PartSize" not in body:
        raise BadRequestError(
            "Above 5 GiB, a 'Checksum' is one of each part: 'PartSize' must say where they begin"
        )
    part_size = _part_size(size, _count(body, "PartSize") if "PartSize" in body else 0)
    announced = Announcement(size=size, part_size=part_size, digest=digest, checksums=checksums)
    if announced.parts > _MOST_PARTS:
        raise ParameterOutOfRangeError(f"The file would go in more than {_MOST_PARTS} parts")
    if digest and len(checksums) != announced.parts:
        raise BadRequestError("'Checksum' must hold as many checksums as the file has parts")
    return announced


def _part_size(size: int, asked: int) -> int:
    """Return bytes of a part; the size of the file if there is one only."""
    if not asked and size <= _LARGEST_PART:
        return size
    if not asked:
        return max(_USUAL_PART, -(-size // (_MOST_PARTS * _MIB)) * _MIB)
    if not _SMALLEST_PART <= asked <= _LARGEST_PART:
        raise ParameterOutOfRangeError("'PartSize' must be between 5 MiB and 5 GiB")
    return min(asked, size)


def _count(body: Mapping[str, Json], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadFileFormatError(f"'{name}' must be a number of bytes")
    if value < 1:
        raise ParameterOutOfRangeError(f"'{name}' must be at least 1")
    return value


def _checksums(given: Json) -> tuple[str, tuple[str, ...]]:
    if given is None:
        return "", ()
    known = [digest for digest in Digest if isinstance(given, dict) and digest.value in given]
    if not isinstance(given, dict) or len(known) != 1 or len(given) != 1:
        raise BadFileFormatError("'Checksum' must be an object with either 'Crc32' or 'Sha256'")
    [digest] = known
    value = given[digest.value]
    texts = value if isinstance(value, list) else [value]
    form = re.compile(rf"[0-9A-Fa-f]{{{2 * digest.size}}}")
    if not all(isinstance(text, str) and form.fullmatch(text) for text in texts):
        raise BadFileFormatError(f"A checksum of '{digest.value}' has {2 * digest.size} hexadecimal digits")
    return digest.value, tuple(str(text).lower() for text in texts)
