"""Generate the dictionaries of `layers/dicomorph/dicomorph/dicom/standard/tables` from pydicom's.

Run it by hand when pydicom brings a new edition:  .venv/bin/python tools/dicom_dictionaries.py
Then name that edition below, and in dictionary.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._private_dict import private_dictionaries
from pydicom._uid_dict import UID_dictionary

PYDICOM = "3.0.2"
EDITION = "2024c"  # of PS3.6 and PS3.7, per the release notes of that pydicom
NOTICE = "Contains tables from the DICOM Standard, (c) NEMA; not the official version."
TABLES = Path(__file__).parent.parent / "layers/dicomorph/dicomorph/dicom/standard/tables"


def main() -> None:
    """Write the tables."""
    if pydicom.__version__ != PYDICOM:
        message = f"Made for pydicom {PYDICOM}; look up the edition of {pydicom.__version__} first"
        raise SystemExit(message)
    _write(
        f"dictionary_{EDITION}.json",
        edition=EDITION,
        notice=NOTICE,
        **_public(DicomDictionary, RepeatersDictionary),
    )
    _write(
        f"private_dictionary_pydicom_{PYDICOM}.json",
        edition=f"pydicom {PYDICOM}",
        notice="From pydicom (MIT), which took it from GDCM (BSD).",
        creators={name: _private(entries) for name, entries in sorted(private_dictionaries.items())},
    )
    _write(f"registered_uids_{EDITION}.json", edition=EDITION, notice=NOTICE, uids=_uids(UID_dictionary))


def _public(tags: Mapping[int, tuple[str, ...]], repeaters: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return ``VR|keyword`` and ``|retired`` by tag; a repeater has ``x`` for the digits that vary."""
    return {
        "tags": {f"{tag:08x}": _entry(entry) for tag, entry in sorted(tags.items())},
        "repeaters": {mask.lower(): _entry(entry) for mask, entry in sorted(repeaters.items())},
    }


def _entry(entry: tuple[str, ...]) -> str:
    vr, _, _, retired, keyword = entry
    return f"{'' if vr == 'NONE' else vr}|{keyword}" + ("|retired" if retired else "")


def _private(entries: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return ``VR|Name`` by group and last two digits of the element; those of any block come last."""
    found = {}
    for mask, entry in sorted(entries.items(), key=lambda item: "xx" in item[0]):
        if re.fullmatch("[0-9a-fA-F]{4}(?:xx|[0-9a-fA-F]{2})[0-9a-fA-F]{2}", mask):
            name = "".join(word[:1].upper() + word[1:] for word in re.findall("[A-Za-z0-9]+", entry[2]))
            found[(mask[:4] + mask[6:]).lower()] = f"{entry[0].replace('_', ' or ')}|{name}"
    return dict(sorted(found.items()))


def _uids(entries: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return what PS3.6 Annex A calls the kind of each registered UID."""
    return {uid: kind for uid, (_, kind, *_) in sorted(entries.items())}


def _write(name: str, *, edition: str, notice: str, **tables: Mapping[str, Any]) -> None:
    """Write tables as JSON with a line for each row, so that a new edition differs by its rows."""
    members = [f'"edition": {json.dumps(edition)}', f'"notice": {json.dumps(notice)}']
    members += [f"{json.dumps(title)}: {{\n{_rows(table)}\n}}" for title, table in tables.items()]
    (TABLES / name).write_text("{\n" + ",\n".join(members) + "\n}\n", encoding="ascii")
    print(name)


def _rows(table: Mapping[str, Any]) -> str:
    return ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in table.items())


if __name__ == "__main__":
    main()
