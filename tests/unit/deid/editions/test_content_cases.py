"""Cases that trip de-identifiers (PS3.15 Annex E) in the conformant editions.

Sequences, the container, graphics, documents.
"""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from pydicom import dcmread

from dicomorph.deid.documents import blank_document
from dicomorph.dicom.values.icc_profile import minimal_profile
from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, SYNTAXES, Element, Fragments, Items
from tests.support.edits import anonymized
from tests.support.small_files import (
    CLASS,
    NAME,
    PATIENT_ID,
    every,
    nested,
    small_file,
    tree_of,
    value_of,
    values_of,
)

EDITIONS = ("2024b", "2025e", "2026d")
NEWEST = EDITIONS[-1]
STORAGE = "1.2.840.10008.5.1.4.1.1."
PDF, CDA, STL = STORAGE + "104.1", STORAGE + "104.2", STORAGE + "104.3"
DOCUMENT, MIME_TYPE, LENGTH = 0x00420011, 0x00420012, 0x00420015
TOKEN = b"DOE^JOHN"
NAMED = Element(NAME, "PN", "DOE^JOHN")
TREE, EVIDENCE = 0x0040A730, 0x0040A375


def sequence(tag: int, *elements: Element) -> Element:
    return Element(tag, "SQ", [list(elements)])


def of_class(sop_class: str, *elements: Element, syntax: str = EXPLICIT) -> bytes:
    return small_file(Element(CLASS, "UI", sop_class), *elements, syntax=syntax)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    "tag",
    [0x04000561, 0x04000500, 0x00101002, 0x00101100, 0x00880200, 0x4FFE0001, 0xFFFAFFFA],
    ids=["previous", "encrypted", "other ids", "photo", "icon", "MAC", "signature"],
)
def test_what_holds_originals_goes_at_every_depth(edition: str, tag: int) -> None:
    holder = sequence(tag, NAMED, Element(0x04000520, "OB", TOKEN))
    output = anonymized(small_file(holder, nested(holder, depth=3)), DicomVersion=edition)
    assert not every(output, tag)
    assert TOKEN not in output


def test_an_institution_goes_where_it_is_optional_and_is_dummied_where_it_is_not() -> None:
    institution = Element(0x00080080, "LO", "Clinic")
    code = sequence(0x00080082, Element(0x00080104, "LO", "Clinic"))
    image = anonymized(small_file(sequence(0x0018A001, institution, code)), DicomVersion=NEWEST)
    assert not every(image, 0x00080080) + every(image, 0x00080082)
    asserter = sequence(0x00440103, institution, code)
    protocol = of_class(STORAGE + "200.3", sequence(0x00440100, institution, code, asserter))
    output = anonymized(protocol, DicomVersion=NEWEST)
    assert b"Clinic" not in output
    (approval,) = every(output, 0x00440100)[0].items or []
    (code_item,) = approval[0x00080082].items or []
    assert code_item[0x00080104].value.strip() == b"Unknown"
    (inner,) = approval[0x00440103].items or []
    assert (inner[0x00080080].value, inner[0x00080082].items) == (b"", [])


def test_uids_in_sequences_that_stay_are_mapped() -> None:
    reference = sequence(
        0x00081140, Element(0x00081150, "UI", STORAGE + "2"), Element(0x00081155, "UI", "1.2.3")
    )
    output = anonymized(small_file(reference, nested(reference, depth=2)), DicomVersion=NEWEST)
    assert set(values_of(output, 0x00081155)) == {value_of(output, 0x00080018)}
    assert set(values_of(output, 0x00081150)) == {(STORAGE + "2").encode()}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize("undefined", [False, True])
def test_empty_sequences_and_items_stay_legal(syntax: str, undefined: bool) -> None:  # noqa: FBT001
    sequences = [
        Element(0x00081140, "SQ", [], undefined=undefined),
        Element(0x00081250, "SQ", [[]], undefined=undefined),
        Element(0x00082112, "SQ", [[], [NAMED], []], undefined=undefined),
        Element(0x00400555, "SQ", [[NAMED], []], undefined=undefined),  # Z in a CR image
    ]
    output = anonymized(of_class(STORAGE + "1.1", *sequences, syntax=syntax), DicomVersion=NEWEST)
    tree = tree_of(output)
    found = [[len(item) for item in tree[element.tag].items or []] for element in sequences]
    assert found == [[], [0], [0, 0, 0], []]
    assert dcmread(BytesIO(output)).AcquisitionContextSequence == []


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_file_whose_last_item_is_cut_off_has_no_product(syntax: str) -> None:
    data = small_file(nested(Element(0x00081155, "UI", "1.2.3"), depth=3), syntax=syntax)
    for length in range(len(data) - 12, len(data)):
        with pytest.raises(BadFileFormatError):
            anonymized(data[:length], DicomVersion=NEWEST)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_nothing_of_the_container_survives(syntax: str) -> None:
    stray = [Element(0x00041130, "CS", "DOE^JOHN"), Element(0x00041220, "SQ", [[NAMED]])]
    command = [] if syntax == IMPLICIT else [Element(0x00000600, "AE", "DOE^JOHN")]
    padding = Element(0xFFFCFFFC, "OB", TOKEN)
    data = small_file(*command, *stray, padding, syntax=syntax, preamble=b"II*\0" + TOKEN * 15 + bytes(4))
    file = read_file(anonymized(data, DicomVersion=NEWEST))
    assert TOKEN not in anonymized(data, DicomVersion=NEWEST)
    assert file.preamble == bytes(128)
    assert sorted(tag & 0xFF for tag in file.meta) == [0x00, 0x01, 0x02, 0x03, 0x10, 0x12, 0x13]
    assert file.meta[0x00020003] == file.tree[0x00080018].value, "the data set says who it is"
    assert min(file.tree) == CLASS
    assert 0xFFFCFFFC not in file.tree


def test_comments_leave_compressed_frames() -> None:
    frame = b"\xff\xd8\xff\xfe\0\x0aDOE^JOHN\xff\xd9"
    pixels = Element(0x7FE00010, "OB", Fragments((frame,)), undefined=True)
    output = anonymized(small_file(pixels, syntax=JPEG), DicomVersion=NEWEST)
    assert TOKEN not in output
    assert 0x7FE00010 in tree_of(output)


@pytest.mark.parametrize("group", [*range(0x6000, 0x6020, 2), *range(0x5000, 0x5020, 2)])
def test_overlays_and_curves_go_as_groups(group: int) -> None:
    drawn = [
        Element(group << 16 | 0x0022, "LO", "DOE^JOHN"),
        Element(group << 16 | 0x1500, "LO", "DOE^JOHN"),
        Element(group << 16 | 0x3000, "OW", TOKEN),
    ]
    output = anonymized(small_file(*drawn), DicomVersion=NEWEST)
    assert not [tag for tag in tree_of(output) if tag >> 16 == group]
    assert TOKEN not in output


def test_overlays_in_the_bits_above_samples_are_masked() -> None:
    image = [
        *(Element(tag, "US", value) for tag, value in ((0x00280010, 1), (0x00280011, 2), (0x00280100, 16))),
        *(Element(tag, "US", value) for tag, value in ((0x00280101, 12), (0x00280102, 11), (0x00280103, 0))),
        Element(0x60000102, "US", 15),
        Element(0x7FE00010, "OW", struct.pack("<2H", 0x8123, 0x0FFF)),
    ]
    output = anonymized(small_file(*image), DicomVersion=NEWEST)
    assert tree_of(output)[0x7FE00010].value == struct.pack("<2H", 0x0123, 0x0FFF)


def test_text_of_presentation_states_goes_with_its_annotations() -> None:
    text = sequence(0x00700008, Element(0x00700006, "ST", "DOE^JOHN"))
    annotation = sequence(0x00700001, Element(0x00700002, "CS", "LAYER"), text)
    layers = sequence(0x00700060, Element(0x00700002, "CS", "LAYER"), Element(0x00700062, "IS", "1"))
    output = anonymized(of_class(STORAGE + "11.1", annotation, layers), DicomVersion=NEWEST)
    assert TOKEN not in output
    assert 0x00700001 not in tree_of(output)
    assert 0x00700060 in tree_of(output)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    ("sop_class", "mime_type"),
    [
        (PDF, "application/pdf"),
        (CDA, "text/XML"),
        (STL, "model/stl"),
        (STORAGE + "104.4", "model/obj"),
        (STORAGE + "104.5", "model/mtl"),
    ],
)
def test_a_document_becomes_a_blank_one_of_its_type(edition: str, sop_class: str, mime_type: str) -> None:
    data = of_class(
        sop_class,
        Element(0x00420010, "ST", "DOE^JOHN"),
        Element(DOCUMENT, "OB", TOKEN * 10),
        Element(MIME_TYPE, "LO", mime_type),
        Element(0x00420014, "LO", "DOE^JOHN"),
        Element(LENGTH, "UL", 80),
    )
    output = anonymized(data, DicomVersion=edition)
    blank = blank_document(mime_type)
    assert TOKEN not in output
    assert value_of(output, DOCUMENT) == blank.rstrip(b"\0 ")
    assert (value_of(output, MIME_TYPE), int.from_bytes(tree_of(output)[LENGTH].value, "little")) == (
        mime_type.encode(),
        len(blank),
    )
    assert value_of(output, 0x00420010) == b""


@pytest.mark.parametrize(
    ("said", "written"), [("text/xml", "text/xml"), ("DOE^JOHN", "text/XML"), ("", "text/XML")]
)
def test_the_type_of_a_document_stays_if_it_is_that_of_its_class(said: str, written: str) -> None:
    output = anonymized(of_class(CDA, Element(DOCUMENT, "OB", TOKEN), Element(MIME_TYPE, "LO", said)))
    assert value_of(output, MIME_TYPE).decode() == said
    output = anonymized(
        of_class(CDA, Element(DOCUMENT, "OB", TOKEN), Element(MIME_TYPE, "LO", said)), DicomVersion=NEWEST
    )
    assert value_of(output, MIME_TYPE).decode() == written


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("text/xml\\image/PNG", b"text/xml\\image/PNG"),
        ("image/png\\DOE^JOHN\\text/plain", b"image/png\\text/plain"),
        ("DOE^JOHN", b"application/pdf"),
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_of_the_types_of_parts_known_ones_stay(said: str, written: bytes, syntax: str) -> None:
    data = of_class(PDF, Element(DOCUMENT, "OB", TOKEN), Element(0x00420014, "LO", said), syntax=syntax)
    assert value_of(anonymized(data, DicomVersion=NEWEST), 0x00420014) == written


def test_an_address_of_a_document_that_another_validator_requires_is_a_dummy() -> None:
    address = Element(0x0040E010, "UR", "http://DOE^JOHN")
    output = anonymized(small_file(sequence(0x0040A390, address), address), DicomVersion=NEWEST)
    assert values_of(output, 0x0040E010) == [b"https://anonymized.invalid/"]


def test_a_document_of_nobody_knows_what_is_two_octets() -> None:
    data = of_class("1.2.3.4", Element(DOCUMENT, "OB", TOKEN), Element(MIME_TYPE, "LO", "DOE^JOHN"))
    output = anonymized(data, DicomVersion=NEWEST)
    assert (value_of(output, DOCUMENT), value_of(output, MIME_TYPE)) == (b"", b"application/octet-stream")
    assert len(tree_of(output)[DOCUMENT].value) == 2


def test_a_document_that_a_request_keeps_or_gives_says_what_it_is() -> None:
    described = Element(MIME_TYPE, "LO", "application/pdf"), Element(LENGTH, "UL", 8)
    data = of_class(PDF, Element(DOCUMENT, "OB", TOKEN), *described)
    kept = anonymized(data, DicomVersion=NEWEST, Keep=["0042,0011"])
    assert (value_of(kept, DOCUMENT), tree_of(kept)[LENGTH].value[0]) == (TOKEN, 8)
    given = anonymized(data, DicomVersion=NEWEST, Replace={"0042,0011": "data:model/obj;base64,diAxIDIgMwo="})
    assert (value_of(given, DOCUMENT), value_of(given, MIME_TYPE)) == (b"v 1 2 3\n", b"model/obj")
    assert LENGTH not in tree_of(given)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    ("sop_class", "text"), [(STORAGE + "88.11", b"Comment"), (STORAGE + "88.59", b"Key Object Description")]
)
def test_the_tree_of_a_report_becomes_one_text_and_its_evidence_follows(
    edition: str, sop_class: str, text: bytes
) -> None:
    image = sequence(0x00081199, Element(0x00081150, "UI", STORAGE + "2"), Element(0x00081155, "UI", "1.2.3"))
    item = [Element(0x0040A010, "CS", "CONTAINS"), Element(0x0040A040, "CS", "PNAME"), NAMED, image]
    series = sequence(0x00081115, Element(0x0020000E, "UI", "1.2.1"), image)
    data = of_class(
        sop_class,
        Element(0x0040A040, "CS", "CONTAINER"),
        sequence(EVIDENCE, Element(0x0020000D, "UI", "1.2"), series),
        sequence(TREE, *sorted(item, key=lambda element: element.tag)),
    )
    output = anonymized(data, DicomVersion=edition)
    tree = tree_of(output)
    assert TOKEN not in output
    (only,) = tree[TREE].items or []
    assert (only[0x0040A040].value.strip(), only[0x0040A160].value) == (b"TEXT", b"ANONYMIZED")
    assert (only[0x0040A043].items or [])[0][0x00080104].value.rstrip() == text
    assert tree[0x0040A040].value.strip() == b"CONTAINER"
    assert values_of(output, 0x00081155) == [value_of(output, 0x00080018)]


def _profile_with_text() -> bytes:
    return minimal_profile().replace(b"ANONYMIZED", b"DOE^JOHN##")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
def test_profiles_keep_their_colours_at_every_depth(syntax: str) -> None:
    profile = Element(0x00282000, "OB", _profile_with_text())
    broken = Element(0x00282000, "OB", TOKEN)
    optical: Items = [[profile], [broken], [Element(0x00282000, "OB", b"")]]
    data = of_class(
        STORAGE + "77.1.6",
        profile,
        Element(0x00480105, "SQ", optical, undefined=syntax == IMPLICIT),
        syntax=syntax,
    )
    output = anonymized(data, DicomVersion=NEWEST)
    assert [node.value for node in every(output, 0x00282000)] == [minimal_profile()] * 3 + [b""]
    assert TOKEN not in output


@pytest.mark.parametrize(
    ("syntax", "undefined"), [(EXPLICIT, False), (EXPLICIT, True), (BIG, True), (IMPLICIT, False)]
)
@pytest.mark.parametrize("tag", [0x00282000, DOCUMENT, MIME_TYPE, LENGTH])
def test_items_under_the_tag_of_something_else_are_replaced_like_it(
    tag: int,
    syntax: str,
    undefined: bool,  # noqa: FBT001
) -> None:
    items = Element(tag, "SQ", [[NAMED], []], undefined=undefined)
    document = [] if tag == DOCUMENT else [Element(DOCUMENT, "OB", TOKEN)]
    elements = sorted([items, *document], key=lambda element: element.tag)
    output = anonymized(of_class(PDF, *elements, syntax=syntax), DicomVersion=NEWEST)
    assert TOKEN not in output
    data_set = dcmread(BytesIO(output))
    assert data_set[tag].VR != "SQ"
    assert data_set[tag].value


def test_a_profile_with_a_table_of_a_megabyte_is_edited_whole() -> None:
    table = b"mft2" + bytes(4) + bytes(range(256)) * 4096
    texts = b"text" + bytes(4) + TOKEN
    start = 128 + 4 + 24
    rows = struct.pack(">I4sII4sII", 2, b"A2B0", start, len(table), b"cprt", start + len(table), len(texts))
    head = struct.pack(">I", start + len(table) + len(texts)) + minimal_profile()[4:128]
    profile = Element(0x00282000, "OB", head + rows + table + texts)
    output = anonymized(small_file(profile, nested(profile)), DicomVersion=NEWEST)
    expected = head + rows + table + b"text" + bytes(4) + b"ANONYMI\0"
    assert [node.value for node in every(output, 0x00282000)] == [expected] * 2


def test_dependents_go_with_what_they_belong_to() -> None:
    trial = [Element(0x00120081, "LO", "DOE^JOHN"), Element(0x00120082, "LO", "DOE^JOHN")]
    owner = [Element(0x00102297, "PN", "DOE^JOHN"), Element(0x00102298, "CS", "OWNER")]
    output = anonymized(small_file(*trial, *owner), DicomVersion=NEWEST)
    assert not {0x00120081, 0x00120082, 0x00102298} & tree_of(output).keys()
    assert value_of(output, 0x00102297) == b""


def test_a_second_pass_leaves_the_dummies_as_they_are() -> None:
    data = of_class(
        STORAGE + "88.22",
        sequence(TREE, NAMED),
        sequence(0x0040A073, Element(0x0040A075, "PN", "DOE^JOHN")),
        Element(0x00282000, "OB", _profile_with_text()),
    )
    once = anonymized(data, DicomVersion=NEWEST)
    twice = anonymized(once, DicomVersion=NEWEST)
    for tag in (TREE, 0x0040A073, 0x00282000):
        assert tree_of(twice).get(tag) == tree_of(once).get(tag)
    assert dcmread(BytesIO(twice)).VerifyingObserverSequence[0].VerifyingOrganization == "ANONYMIZED"
    assert value_of(twice, PATIENT_ID) != value_of(once, PATIENT_ID)
