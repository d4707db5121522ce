"""Write the facts that the tests of the confidentiality profile expect by, from published tables.

    python tests/profile/data/make_facts.py FOLDER

FOLDER holds tables of the DICOM standard as JSON: `confidentiality_profile_2026d.json` (PS3.15 Table
E.1-1 with its option columns), `uid_attributes.json` (every attribute of VR UI with its role) and
`iod_types.json.gz` (PS3.3: the types of attributes by IOD, module and path). The results hold facts
alone, and neither the product nor its generators read them, so that an error on one side shows.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OPTIONS = {
    "retain_uids": "RetainUIDs",
    "retain_device_identity": "RetainDeviceIdentity",
    "retain_institution_identity": "RetainInstitutionIdentity",
    "retain_patient_characteristics": "RetainPatientCharacteristics",
    "retain_longitudinal_full_dates": "RetainLongitudinalFullDates",
    "retain_safe_private": "RetainSafePrivate",
}


def main(folder: Path) -> None:
    table = json.loads((folder / "confidentiality_profile_2026d.json").read_text("utf-8"))
    rows = [
        [
            row["tag"],
            row["vr"],
            row["basic"],
            {name: row[column] for column, name in OPTIONS.items() if row[column]},
        ]
        for row in table["rows"]
    ]
    uids = json.loads((folder / "uid_attributes.json").read_text("utf-8"))["rows"]
    facts = {
        "source": "PS3.15 2026d Table E.1-1, PS3.6 (roles of UIDs); tables of the DICOM Standard, (c) NEMA",
        "columns": ["tag", "vr", "basic", "options"],
        "uids_of_instances": sorted(row["tag"] for row in uids if row["class"] == "instance"),
        "uids_of_classes": sorted(row["tag"] for row in uids if row["class"] == "well_known"),
        "rows": rows,
    }
    text = json.dumps(facts, separators=(",", ":")).replace(',[["', ',[\n["').replace('],["', '],\n["')
    (HERE / "confidentiality_profile_2026d.json").write_text(text + "\n", "ascii")
    with gzip.open(folder / "iod_types.json.gz", "rt", encoding="utf-8") as file:
        types = _types(json.load(file))
    packed = gzip.compress(json.dumps(types, separators=(",", ":")).encode("ascii"), mtime=0)
    (HERE / "iod_types.json.gz").write_bytes(packed)


def _types(found: dict[str, Any]) -> dict[str, Any]:
    """Return the types of attributes: triples of tag, type and content, and the modules as such nodes."""
    modules = found["modules"]
    return {
        "source": "PS3.3 of about 2025a, with Patient and Patient Study of 2026d, (c) NEMA",
        "types": found["types"],
        "tags": found["tags"],
        "pool": found["pool"],
        "iods": {
            iod: [modules[name] for name, _ in used if name in modules] for iod, used in found["iods"].items()
        },
        "sop_classes": found["sop_classes"],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
