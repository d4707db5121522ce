"""Files with identifiers of any kind, and requests that say something of identifiers (hypothesis)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from dicomorph.deid.requests.study_changes import StudyChanges
from dicomorph.jobs.model import JobType
from dicomorph.model.resources import LEVELS, Level
from tests.dicom_factory import BIG, CT_IMAGE_STORAGE, DEFLATED, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.small_files import CLASS, INSTANCE, PATIENT_ID, SERIES, STUDY

CHARACTER_SET = 0x00080005
CODECS: Final = {
    "": "latin-1",
    "ISO_IR 100": "latin-1",
    "ISO_IR 192": "utf-8",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 13": "shift_jis",
    "ISO 2022 IR 6\\ISO 2022 IR 87": "iso2022_jp",
}
IDENTIFIERS: Final = {
    "PatientID": PATIENT_ID,
    "StudyInstanceUID": STUDY,
    "SeriesInstanceUID": SERIES,
    "SOPInstanceUID": INSTANCE,
}
DATA_URI = "data:application/octet-stream;base64,UDE="  # P1
PATIENT_IDS: Final = ["", "P1", " P1", "P1 ", "P", "Ä1", "Ö1", "Жук", "山田", "A\\B", " "]
UIDS: Final = ["1.2.3", "1.2.34", "1.2.3 ", "x"]
ODD_UIDS: Final = [*UIDS, " 1.2.3", "1.2\\1.3", "1.2 \\1.3", "1.2.Ä"]  # none that PS3.5 section 9.1 allows


def identified_file(texts: Mapping[int, str], *, charset: str = "", syntax: str = EXPLICIT) -> bytes:
    """Return a file; what its character set lacks of an identifier is left out."""
    elements = [Element(CLASS, "UI", CT_IMAGE_STORAGE)]
    if charset:
        elements.append(Element(CHARACTER_SET, "CS", charset))
    for tag, text in texts.items():
        raw = text.encode(CODECS[charset], "ignore")
        pad = b" " if tag == PATIENT_ID else b"\0"
        elements.append(Element(tag, "LO" if tag == PATIENT_ID else "UI", raw + pad * (len(raw) & 1)))
    return part10(encode(sorted(elements, key=lambda element: element.tag), syntax), syntax)


@st.composite
def files(draw: st.DrawFn, uids: list[str]) -> bytes:
    """Draw a file."""
    texts = {tag: draw(st.sampled_from(uids)) for tag in (INSTANCE, STUDY, SERIES)}
    patient_id = draw(st.none() | st.sampled_from(PATIENT_IDS))
    if patient_id is not None:
        texts[PATIENT_ID] = patient_id
    charset = draw(st.sampled_from(list(CODECS)))
    return identified_file(
        texts, charset=charset, syntax=draw(st.sampled_from([EXPLICIT, IMPLICIT, BIG, DEFLATED]))
    )


class Asked(NamedTuple):
    """What a job is asked for, as its record and its request say it."""

    type: JobType
    is_anonymization: bool
    level: Level
    body: dict[str, Any]
    changes: dict[str, Any] | None = None


def requests() -> st.SearchStrategy[Asked]:
    """Draw what may be asked, a quarter of it without a word on identifiers."""
    return _modifications(frozenset()) | _modifications() | _modifications() | _moves()


@st.composite
def _modifications(draw: st.DrawFn, identifiers: frozenset[str] = frozenset(IDENTIFIERS)) -> Asked:
    named = st.sets(st.sampled_from(sorted(identifiers))) if identifiers else st.just(set[str]())
    body: dict[str, Any] = {"Force": True, "Keep": sorted(draw(named)), "Replace": {}}
    for name in sorted(draw(named)):
        values = [*PATIENT_IDS, None, DATA_URI] if name == "PatientID" else [*ODD_UIDS, DATA_URI]
        body["Replace"][name] = draw(st.sampled_from(values))
    match draw(st.sampled_from(["as it is", "as it is", "relabelled", "without a label"])):
        case "relabelled":
            body["Replace"]["SpecificCharacterSet"] = draw(st.sampled_from(list(CODECS)))
        case "without a label":
            body["Remove"] = ["SpecificCharacterSet"]
    is_anonymization = draw(st.booleans())
    if is_anonymization:
        body["DicomVersion"] = draw(st.sampled_from(["2008", "2017c", "2021b", "2023b"]))
    level = draw(st.sampled_from(LEVELS))
    return Asked(JobType.RESOURCE_MODIFICATION, is_anonymization, level, body)


@st.composite
def _moves(draw: st.DrawFn) -> Asked:
    """Draw a split or a merge."""
    replace = {STUDY: draw(st.sampled_from(ODD_UIDS))}
    match draw(st.sampled_from(["keep", "replace", "remove"])):
        case "replace":
            replace[PATIENT_ID] = draw(st.sampled_from([*PATIENT_IDS, DATA_URI]))
            remove = frozenset[int]()
        case "remove":
            remove = frozenset({PATIENT_ID})
        case _:
            remove = frozenset[int]()
    changes = StudyChanges(replace=replace, remove=remove)
    kind = draw(st.sampled_from([JobType.SPLIT_STUDY, JobType.MERGE_STUDY]))
    return Asked(kind, is_anonymization=False, level=Level.STUDY, body={}, changes=dict(changes.to_json()))
