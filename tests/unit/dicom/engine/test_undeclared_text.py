"""Text beyond ASCII in files without SpecificCharacterSet is declared (PS3.3 C.12.1.1.2, 1C)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pydicom
import pytest

from dicomorph.dicom.text.charsets import ORTHANC_ENCODINGS
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import Settings, UnencodableText
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element, Fragments
from tests.support.edits import edited, modified, rewriter
from tests.support.small_files import NAME, SEQUENCE, STUDY_DESCRIPTION, every, nested, small_file, tree_of

CHARSET, COMMENTS = 0x00080005, 0x00104000
SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
EMPTY = Element(CHARSET, "CS", "")
# What each encoding that a server may take for granted can write.
SAMPLES = {
    "Utf8": "Ünal",
    "Latin1": "Ünal",
    "Latin2": "Łódź",
    "Latin3": "Ħal",
    "Latin4": "Ķēde",
    "Latin5": "Şahin",
    "Cyrillic": "Иванов",
    "Arabic": "قباني",
    "Greek": "Διονυσιος",
    "Hebrew": "שרון",
    "Thai": "นามสกุล",
    "Japanese": "ﾔﾏﾀﾞ",
    "JapaneseKanji": "山田",
    "Chinese": "王小东",
    "SimplifiedChinese": "王小东",
    "Korean": "김희중",
}


def declared(data: bytes) -> str | None:
    node = tree_of(data).get(CHARSET)
    return None if node is None else node.value.decode().strip()


def under(data: bytes, encoding: str, *, drop: bool = False, anonymize: bool = False, **body: Any) -> bytes:
    unencodable = UnencodableText.DROP if drop else UnencodableText.ERROR
    settings = Settings(default_encoding=encoding, unencodable_text=unencodable)
    return edited(data, rewriter(body, anonymize=anonymize, settings=settings))


def name_in(data: bytes) -> str:
    """Return PatientName as a reader sees it that knows nothing but the file."""
    return str(pydicom.dcmread(BytesIO(data)).PatientName)


@pytest.mark.parametrize("edition", ["", "2023b", "2026d"])  # none modifies
@pytest.mark.parametrize("present", [[], [EMPTY]])
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("encoding", SAMPLES)
def test_the_encoding_of_the_server_is_declared_where_it_was_used(
    encoding: str,
    syntax: str,
    present: list[Element],
    edition: str,
) -> None:
    data = small_file(*present, Element(STUDY_DESCRIPTION, "LO", "plain"), syntax=syntax)
    replace = {"PatientName": SAMPLES[encoding]}
    output = under(data, encoding, anonymize=bool(edition), DicomVersion=edition, Replace=replace)
    assert (declared(output) or "").strip("\\") == ORTHANC_ENCODINGS[encoding]
    # Japanese is written as Shift JIS, as by Orthanc, and pydicom overlooks escape sequences to GB 2312.
    if encoding not in {"Japanese", "SimplifiedChinese"}:
        assert name_in(output) == SAMPLES[encoding]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_ascii_files_take_what_no_term_declares_in_utf8(syntax: str) -> None:
    data = small_file(Element(STUDY_DESCRIPTION, "LO", "plain"), syntax=syntax)
    output = under(data, "Windows1251", Replace={"PatientName": "Иванов", "PatientID": "Ж1"}, Force=True)
    assert declared(output) == "ISO_IR 192"
    assert name_in(output) == "Иванов"


@pytest.mark.parametrize("encoding", ["Ascii", "Latin1", "Greek"])
def test_text_that_the_encoding_lacks_is_refused_or_dropped_as_ever(encoding: str) -> None:
    with pytest.raises(BadFileFormatError):
        under(small_file(), encoding, Replace={"PatientName": "中"})
    assert name_in(under(small_file(), encoding, drop=True, Replace={"PatientName": "A中"})) == "A"


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_text_that_stays_decides(syntax: str, depth: int) -> None:
    def with_comment(raw: bytes, vr: str = "LT", tag: int = COMMENTS) -> bytes:
        comment = Element(tag, vr, raw)
        return small_file(nested(comment, depth=depth) if depth else comment, syntax=syntax)

    body: dict[str, Any] = {"Replace": {"PatientName": "Zoë"}}
    for encoding, raw in (("Latin1", "né".encode("latin-1")), ("Utf8", "né ".encode())):
        output = under(with_comment(raw), encoding, **body)
        assert declared(output) == ORTHANC_ENCODINGS[encoding]
        assert name_in(output) == "Zoë"
        assert [node.value for node in every(output, COMMENTS)] == [raw]
    for encoding, raw in (
        ("Utf8", "né".encode("latin-1")),
        ("Latin1", "Иванов".encode()),
        ("Ascii", "né".encode("latin-1")),
        ("Windows1251", "né".encode("cp1251", "ignore") + b"\xe9"),
        ("JapaneseKanji", b"\x1b$)Cab"),
        ("Korean", b"\x1b$)C\xb1\xff"),
    ):
        with pytest.raises(BadFileFormatError):
            under(with_comment(raw), encoding, **body)
    with pytest.raises(BadFileFormatError):  # no character set has both
        under(with_comment("né".encode("latin-1")), "Latin1", Replace={"PatientName": "Иванов"})
    assert (
        declared(under(with_comment(b"\xff\xfe\xfd\xfc", "OB", 0x00420011), "Utf8", **body)) == "ISO_IR 192"
    )


def test_text_that_goes_decides_nothing() -> None:
    data = small_file(Element(NAME, "PN", b"\xff\xfe"), Element(COMMENTS, "LT", b"\xff\xfe"))
    body: dict[str, Any] = {"Remove": ["PatientComments"], "Replace": {"PatientName": "Zoë"}}
    assert declared(under(data, "Utf8", **body)) == "ISO_IR 192"
    described = {"StudyDescription": "Größe"}
    for edition in ("2023b", "2026d"):
        anonymous = under(data, "Utf8", anonymize=True, DicomVersion=edition, Replace=described)
        assert declared(anonymous) == "ISO_IR 192"


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("value", ["path", "items", "private"])
def test_text_at_every_depth_is_declared_at_the_top(syntax: str, value: str) -> None:
    data = small_file(nested(Element(STUDY_DESCRIPTION, "LO", "old")), syntax=syntax)
    bodies: dict[str, dict[str, Any]] = {
        "path": {"Replace": {"0008,1250[*].StudyDescription": "Größe"}},
        "items": {"Replace": {"0008,1250": [{"0008,1250": [{"StudyDescription": "Größe"}]}]}},
        "private": {"PrivateCreator": "MÜLLER", "Replace": {"0009,1001": "x"}},
    }
    output = modified(data, **bodies[value])
    assert declared(output) == "ISO_IR 100"
    assert "Größe".encode("latin-1") in (output if syntax != DEFLATED and value != "private" else _GREAT)


_GREAT = "Größe".encode("latin-1")


def test_nothing_is_declared_where_no_text_beyond_ascii_is_written() -> None:
    data = small_file(nested(Element(STUDY_DESCRIPTION, "LO", "old")), Element(COMMENTS, "LT", b"n\xe9"))
    for replace in ({"PatientName": "Zoe"}, {"0008,1250[7].StudyDescription": "Größe"}):
        assert declared(modified(data, Replace=replace)) is None
    own = {"0008,1250": [{"SpecificCharacterSet": "ISO_IR 192", "StudyDescription": "Größe"}]}
    assert declared(modified(data, Replace=own)) is None, "the item declares it"
    octets = {"PatientComments": "data:application/octet-stream;base64,6Q=="}
    assert declared(modified(data, Replace=octets)) is None
    assert declared(under(data, "Ascii", drop=True, Replace={"PatientName": "Zoë"})) is None


def test_items_that_declare_their_own_are_not_looked_at() -> None:
    item = nested(Element(CHARSET, "CS", "ISO_IR 144"), Element(COMMENTS, "LT", "Иванов".encode("iso8859-5")))
    output = under(small_file(item), "Utf8", Replace={"PatientName": "Zoë"})
    assert declared(output) == "ISO_IR 192"
    assert [node.value.strip() for node in every(output, CHARSET)] == [b"ISO_IR 192", b"ISO_IR 144"]


@pytest.mark.parametrize(
    "request_part", [{"Remove": ["SpecificCharacterSet"]}, {"Replace": {"0008,0005": ""}}]
)
def test_a_declaration_stays_while_text_needs_it(request_part: dict[str, Any]) -> None:
    plain = small_file(Element(CHARSET, "CS", "ISO_IR 192"))
    assert not declared(modified(plain, **request_part))
    text = small_file(Element(CHARSET, "CS", "ISO_IR 192"), Element(COMMENTS, "LT", "né ".encode()))
    assert declared(modified(text, **request_part)) == "ISO_IR 192"
    replace = {**request_part.get("Replace", {}), "PatientName": "Zoë"}
    both = modified(text, **{**request_part, "Replace": replace})
    assert (declared(both), name_in(both)) == ("ISO_IR 192", "Zoë")
    gone = modified(text, **{**request_part, "Remove": ["PatientComments", *request_part.get("Remove", [])]})
    assert not declared(gone)


def test_declared_files_stay_as_they_are_declared() -> None:
    data = small_file(Element(CHARSET, "CS", "ISO_IR 100"))
    assert declared(modified(data, Replace={"PatientName": "Zoë"})) == "ISO_IR 100"
    with pytest.raises(BadFileFormatError):
        modified(data, Replace={"PatientName": "Иванов"})


def test_encapsulated_frames_stay_unread() -> None:
    frames = Element(0x7FE00010, "OB", Fragments((b"\xff\xd8\xff\xd9",)), undefined=True)
    tail = Element(0x7FE10010, "LO", b"\xff\xfe")
    output = under(small_file(frames, syntax=JPEG), "Utf8", Replace={"PatientName": "Zoë"})
    assert declared(output) == "ISO_IR 192"
    with pytest.raises(BadFileFormatError):
        under(small_file(frames, tail, syntax=JPEG), "Utf8", Replace={"PatientName": "Zoë"})


@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_text_in_sequences_of_every_form_is_seen(unknown: bool, undefined: bool) -> None:  # noqa: FBT001
    for tag in (SEQUENCE, 0x00091002):
        items = [[], [Element(STUDY_DESCRIPTION, "LO", b"\xff\xfe")]]
        sequence = Element(tag, "SQ", items, undefined=undefined, unknown=unknown)
        with pytest.raises(BadFileFormatError):
            under(small_file(sequence), "Utf8", Replace={"PatientName": "Zoë"})
