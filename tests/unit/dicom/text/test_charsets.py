"""Character sets against pydicom's codec, on the files that it bundles."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.data import get_charset_files
from pydicom.valuerep import PersonName

from dicomorph.dicom.text.charsets import ORTHANC_ENCODINGS, CharacterSet
from dicomorph.model.errors import BadFileFormatError, ParameterOutOfRangeError
from dicomorph.model.settings import UnencodableText

DROP, ERROR = UnencodableText.DROP, UnencodableText.ERROR
COMMENTS = 0x00104000
TEXT_VRS = ("SH", "LO", "ST", "LT", "UC", "UT")


def of(declared: str) -> CharacterSet:
    return CharacterSet.of(declared, default_encoding="Ascii")


def raw_texts(path: Path) -> Iterator[tuple[str, list[str], bytes]]:
    """Yield VR, character set and raw value of the top-level texts of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
    declared = dataset.get("SpecificCharacterSet") or ""
    values = [declared] if isinstance(declared, str) else list(declared)
    for element in list(dataset.values()):
        if isinstance(element, pydicom.dataelem.RawDataElement):
            vr = element.VR or pydicom.datadict.dictionary_VR(element.tag)
            if vr in (*TEXT_VRS, "PN") and element.value:
                yield vr, values, element.value


def oracle(vr: str, values: list[str], raw: bytes) -> str:
    encodings = convert_encodings(values)
    if vr == "PN":
        # str() leaves out empty component groups at the end
        return "\\".join(str(PersonName(name).decode(encodings)) for name in raw.split(b"\\"))
    return "\\".join(decode_bytes(part, encodings, {0x0D, 0x0A, 0x09, 0x0C}) for part in raw.split(b"\\"))


FILES = [Path(name) for name in get_charset_files("*.dcm")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_texts_of_the_bundled_files_decode_as_in_pydicom_and_encode_back(path: Path) -> None:
    seen = 0
    for vr, values, raw in raw_texts(path):
        charset = of("\\".join(values))
        text = charset.decode(raw, is_name=vr == "PN")
        assert text.rstrip("=") == oracle(vr, values, raw)
        encoded = charset.encode(text, unencodable=ERROR, tag=COMMENTS)
        assert charset.decode(encoded, is_name=vr == "PN") == text
        assert oracle(vr, values, encoded) == text.rstrip("=")
        seen += 1
    assert seen


# PS3.5 annexes H, I, J and K: names in Japanese, Korean and Chinese.
NAMES = [
    ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "Yamada^Tarou=丂山^丂太"),
    ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東"),
    ("GB18030", "Wang^XiaoDong=王^小东"),
    ("GBK", "Wang^XiaoDong=王^小东"),
    ("ISO 2022 IR 100\\ISO 2022 IR 144", "Æneas^Люкce"),
    ("ISO 2022 IR 100\\ISO 2022 IR 126\\ISO 2022 IR 149", "é^Διονυσιος^길é동Δ=é"),
    ("ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 149", "ﾔ山ﾏ동a山 太b"),
]


@pytest.mark.parametrize(("declared", "text"), NAMES)
def test_names_with_code_extensions_are_read_by_pydicom(declared: str, text: str) -> None:
    raw = of(declared).encode(text, unencodable=ERROR, tag=0x00100010)
    assert of(declared).decode(raw, is_name=True) == text
    assert str(PersonName(raw).decode(convert_encodings(declared.split("\\")))) == text
    # The same bytes read as a text, where ^ and = end nothing:
    assert of(declared).decode(raw) == text


@pytest.mark.parametrize(
    ("declared", "text", "raw"),
    [
        (
            "\\ISO 2022 IR 87",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        ),
        # pydicom leaves the escape sequences of this one in the text.
        (
            "\\ISO 2022 IR 58",
            "Zhang^XiaoDong=张^小东=",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        ),
    ],
)
def test_the_examples_of_annexes_h_and_k_have_the_bytes_of_the_standard(
    declared: str, text: str, raw: bytes
) -> None:
    assert of(declared).encode(text, unencodable=ERROR, tag=0x00100010) == raw
    assert of(declared).decode(raw, is_name=True) == text


@pytest.mark.parametrize(
    ("declared", "text", "kept"),
    [
        ("ISO_IR 6", "é à ñ", "  "),
        ("ISO_IR 100", "é中", "é"),
        ("ISO_IR 101", "é à ñ", "é  "),
        ("ISO_IR 144", "é à ñ", "  "),
        ("ISO_IR 13", "ñ山¥", "山"),
        ("ISO_IR 999", "é", ""),
        ("ISO_IR 192", "é\ud800", "é"),
        ("\\ISO 2022 IR 87", "山é\x1b$", "山$"),
        ("ISO 2022 IR 13\\ISO 2022 IR 87", "é", ""),
    ],
)
def test_what_a_character_set_lacks_is_dropped_or_refused(declared: str, text: str, kept: str) -> None:
    charset = of(declared)
    assert charset.decode(charset.encode(text, unencodable=DROP, tag=COMMENTS)) == kept
    with pytest.raises(BadFileFormatError) as caught:
        charset.encode(text, unencodable=ERROR, tag=COMMENTS)
    assert "0010,4000" in caught.value.details
    assert declared in caught.value.details
    assert "é" not in caught.value.details


@pytest.mark.parametrize(
    ("declared", "raw", "text"),
    [
        ("ISO_IR 6", b"a\xe9b", "ab"),
        ("ISO_IR 192", b"a\xe9b", "ab"),
        ("ISO_IR 999", b"a\xe9b", "ab"),
        ("\\ISO 2022 IR 87", b"a\xe9b", "ab"),
        ("\\ISO 2022 IR 87", b"\x1b$B;3", "山"),
        ("\\ISO 2022 IR 87", b"\x1b$B;", ""),
        ("\\ISO 2022 IR 87", b"\x1b$B;3\r\nab", "山\r\nab"),
        ("\\ISO 2022 IR 87", b"\x1b(Zab", "ab"),
        ("\\ISO 2022 IR 87", b"\x1b", ""),
        ("ISO 2022 IR 100\\ISO 2022 IR 144", b"\x1b-L\xbb\\\xe9", "Л\\é"),
        ("ISO_IR 100", b"\x1b$B;3", "\x1b$B;3"),
        (" iso_ir 100 ", b"\xe9", "é"),
        ("ISO_IR 203", b"\xa4", "€"),
    ],
)
def test_what_cannot_be_decoded_is_dropped(declared: str, raw: bytes, text: str) -> None:
    assert of(declared).decode(raw) == text


def test_the_default_encoding_applies_where_nothing_is_declared() -> None:
    for absent in (b"", b"  ", b"\0", ""):
        assert CharacterSet.of(absent, default_encoding="Latin1").decode(b"\xe9") == "é"
    assert CharacterSet.of(b"", default_encoding="Windows1251").decode(b"\xcb") == "Л"
    assert CharacterSet.of(b"ISO_IR 100", default_encoding="Utf8").decode(b"\xe9") == "é"


def test_every_encoding_of_orthanc_is_known() -> None:
    samples = {
        "Hebrew": "א",
        "Arabic": "ب",
        "Thai": "ก",
        "Greek": "Δ",
        "Korean": "길",
        "SimplifiedChinese": "张",
    }
    for name in ORTHANC_ENCODINGS:
        charset = CharacterSet.of(b"", default_encoding=name)
        text = "plain " + samples.get(name, "")
        assert charset.decode(charset.encode(text, unencodable=ERROR, tag=COMMENTS)) == text
    with pytest.raises(ParameterOutOfRangeError):
        CharacterSet.of(b"", default_encoding="Latin9")


def test_equal_declarations_make_equal_character_sets() -> None:
    assert of("ISO_IR 100") == of(" ISO_IR 100\0") == CharacterSet.of(b"", default_encoding="Latin1")
    assert len({of("ISO_IR 100"), of("iso_ir 100"), of("ISO_IR 101")}) == 2


DECLARED = st.sampled_from(
    [declared for declared, _ in NAMES] + ["ISO_IR 13", "ISO_IR 166", "x\\y", "\\ISO_IR 192"]
)


@given(DECLARED, st.binary(max_size=30), st.booleans())
def test_any_bytes_decode_to_something(declared: str, raw: bytes, is_name: bool) -> None:  # noqa: FBT001
    of(declared).decode(raw, is_name=is_name)


@given(DECLARED, st.text(alphabet="aé^=\\\r 山丂동张Δﾔ中Л$", max_size=12), st.booleans())
def test_what_was_kept_when_encoding_is_read_back(declared: str, text: str, is_name: bool) -> None:  # noqa: FBT001
    charset = of(declared)
    raw = charset.encode(text, unencodable=DROP, tag=COMMENTS)
    read = charset.decode(raw, is_name=is_name)
    assert charset.encode(read, unencodable=ERROR, tag=COMMENTS) == raw
    remaining = iter(text)
    assert all(character in remaining for character in read)
