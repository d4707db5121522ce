"""``python -m local --verify``: all that is at rest in a data folder is compared, and nothing changed."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from dicomorph.embedded.backend import database_file
from dicomorph.embedded.care.soundness import UnusableIndexError, check_index
from dicomorph.embedded.care.verifying import Compared, Damage, Told, verify
from local.arguments import Arguments
from local.data_folder import find_data_folder, is_served, leaving_no_trace, lost_index

_SOUND, _DAMAGED = 0, 1
_UNDER_WAY = 60.0  # seconds, and more than an upload may have its file and no entry


def verify_folder(arguments: Arguments) -> int:
    """Compare index and files, and say what was found; return 0 if nothing is wrong, else 1.

    Raises
    ------
    DataFolderError
        If there is no data folder.
    DicomorphError
        If its index cannot be read at all.
    """
    data = find_data_folder(arguments.data)
    counts: Counter[Damage] = Counter()

    def told(damage: Damage, name: str) -> None:
        counts[damage] += 1
        if arguments.names:
            print(f"{damage.value}: {name}")

    try:
        check_index(data)
    except UnusableIndexError as error:
        print(lost_index(data, str(error)), file=sys.stderr)
        return _DAMAGED
    for line in report(_compared(data, told), counts):
        print(line)
    return _DAMAGED if counts else _SOUND


def _compared(data: Path, told: Told) -> Compared:
    if not database_file(data).exists():  # taken, and never served: otherwise there would be files
        return Compared()
    with leaving_no_trace(data):
        return verify(data, told, before=time.time() - (_UNDER_WAY if is_served(data) else 0))


def report(compared: Compared, counts: Mapping[Damage, int]) -> list[str]:
    """Return what to say of a comparison, line by line; counts, no names."""
    unknown = compared.entries - compared.checksums
    return [
        f"Compared {compared.entries} entries and {compared.files} files.",
        *([f"Without a checksum, so that only the size was compared: {unknown}"] if unknown else []),
        *([f"Files in orphans/: {compared.orphans}"] if compared.orphans else []),
        *(f"{damage.value}: {counts[damage]}" for damage in Damage if counts[damage]),
        "Damage was found." if counts else "No damage was found.",
    ]
