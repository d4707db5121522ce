"""Generate the tables of the conformant editions in `layers/dicomorph/dicomorph/deid/tables`.

Run it by hand when a new edition of PS3.15 or PS3.3 has been tabulated:

    .venv/bin/python -m tools.confidentiality_tables FOLDER

The folder holds facts of the standard as JSON:

``confidentiality_profile_<edition>.json``
    Table E.1-1 of PS3.15: ``rows`` with ``tag``, ``basic`` and a member for each option column,
    named in ``columns``.
``iod_types.json.gz``
    PS3.3: ``sop_classes`` (UID to IOD), ``iods`` (IOD to pairs of module and usage), ``modules``
    (module to its node), ``pool`` (nodes: triples of attribute, type and the node of its items,
    -1 without), ``tags`` (of the attributes), ``types``.
``uid_attributes.json``
    The attributes of VR UI in PS3.6: ``rows`` with ``tag`` and ``class``.
``safe_private_attributes.json``
    Table E.3.10-1 of PS3.15: ``rows`` with ``private_creator``, ``group`` and ``element`` (the
    last byte), both in hexadecimal digits, and ``vr``, null where the table has none.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EDITIONS = ("2024b", "2025e", "2026d")
NEWEST = EDITIONS[-1]
NOTICE = (
    "Contains tables from the DICOM Standard, (c) NEMA; not the official version, which is at "
    "https://www.dicomstandard.org/current"
)
TABLES = Path(__file__).parent.parent / "layers/dicomorph/dicomorph/deid/tables"


def main() -> None:
    """Write all tables from the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Generate the tables of the conformant editions")
    parser.add_argument("source", type=Path, help="folder with the tabulated facts of the standard")
    parser.add_argument("--target", type=Path, default=TABLES, help="folder that is written to")
    arguments = parser.parse_args()
    for name, content in tables(arguments.source).items():
        (arguments.target / name).write_bytes(content)
        print(name, len(content))


def tables(source: Path) -> dict[str, bytes]:
    """Return the tables by the names of their files."""
    found = {
        f"confidentiality_profile_{edition}.json": profile_table(
            json.loads((source / f"confidentiality_profile_{edition}.json").read_text())
        )
        for edition in EDITIONS
    }
    with gzip.open(source / "iod_types.json.gz") as file:
        types = iod_types(json.load(file))
    # Neither a time nor a name in the header: the same facts give the same bytes.
    found[f"iod_types_{NEWEST}.json.gz"] = gzip.compress(types, mtime=0)
    found[f"uid_attributes_{NEWEST}.json"] = uid_attributes(
        json.loads((source / "uid_attributes.json").read_text())
    )
    found[f"safe_private_{NEWEST}.json"] = safe_private(
        json.loads((source / "safe_private_attributes.json").read_text())
    )
    return found


def profile_table(table: Mapping[str, Any]) -> bytes:
    """Return a row for each attribute: the action, then the letters of the option columns in their order."""
    options = [column for column in table["columns"] if column != "basic"]
    rows = {}
    for row in sorted(table["rows"], key=lambda row: str(row["tag"]).lower()):
        letters = "".join(row[option] or "." for option in options)
        rows[row["tag"].lower()] = f"{row['basic']} {letters}".rstrip(". ")
    return _document(table["edition"], {"options": options}, {"rows": rows})


def iod_types(facts: Mapping[str, Any]) -> bytes:
    """Return the types of attributes by SOP class, without the names that nothing asks for.

    A node is a flat list of tag, index of the type and node of the items. Repeating groups are
    left out: they are removed whole.
    """
    nodes = [_node(facts["tags"], flat) for flat in facts["pool"]]
    iods = {
        name: [[facts["modules"][module], usage] for module, usage in modules if module in facts["modules"]]
        for name, modules in facts["iods"].items()
    }
    document = {
        "edition": NEWEST,
        "notice": NOTICE,
        "types": facts["types"],
        "sop_classes": facts["sop_classes"],
        "iods": iods,
        "nodes": nodes,
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _node(tags: list[str], flat: list[int]) -> list[int]:
    entries = []
    for attribute, kind, items in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        if "x" not in tags[attribute].lower():
            entries += [int(tags[attribute], 16), kind, items]
    return entries


def uid_attributes(facts: Mapping[str, Any]) -> bytes:
    """Return what the UID of each attribute names: a class, an instance or a part of a container."""
    roles = {row["tag"].lower(): row["class"] for row in facts["rows"]}
    return _document(NEWEST, {}, {"roles": dict(sorted(roles.items()))})


def safe_private(facts: Mapping[str, Any]) -> bytes:
    """Return the VR of each private element: its group and last byte, then its creator."""
    vrs = {
        f"{row['group']}{row['element']}".lower() + f" {row['private_creator']}": row["vr"] or ""
        for row in facts["rows"]
    }
    return _document(NEWEST, {}, {"vrs": dict(sorted(vrs.items()))})


def _document(edition: str, members: Mapping[str, Any], table: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return a table as JSON with a line for each row, so that a new edition differs by its rows."""
    head = {"edition": edition, "notice": NOTICE, **members}
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, rows in table.items():
        inside = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
        lines.append(f"{json.dumps(name)}: {{\n{inside}\n}}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


if __name__ == "__main__":
    main()
