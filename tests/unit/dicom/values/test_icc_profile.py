from __future__ import annotations

import struct

import imagecodecs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.values.icc_profile import minimal_profile, without_text

_TOKEN = b"Doe^Jane"
_WIDE = _TOKEN.decode().encode("utf-16-be")
_XYZ = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
_CURVE = b"curv\0\0\0\0" + struct.pack(">I256H", 256, *range(0, 65536, 256))
_LUT = b"mft2\0\0\0\0" + bytes(range(200))


def _description(text: bytes) -> bytes:
    wide = text.decode().encode("utf-16-be") + b"\0\0"
    unicode_text = struct.pack(">II", 0, len(wide) // 2) + wide
    return (
        b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + unicode_text
        + struct.pack(">HB67s", 0, len(text), text)
    )  # fmt: skip


def _localized(text: bytes) -> bytes:
    wide = text.decode().encode("utf-16-be")
    records = struct.pack(">II4sII4sII", 2, 12, b"deDE", len(wide), 40, b"enUS", len(wide), 40)
    return b"mluc\0\0\0\0" + records + wide


_TEXTS = {
    b"desc": _description(_TOKEN * 4),
    b"cprt": b"text\0\0\0\0" + _TOKEN + b"\0",
    b"dmnd": _localized(_TOKEN * 3),
    b"dmdd": _description(_TOKEN),
    b"meta": b"dict\0\0\0\0" + struct.pack(">II", 1, 16) + bytes(16) + _WIDE,
    b"calt": b"dtim\0\0\0\0" + struct.pack(">6H", 2026, 3, 14, 15, 9, 26),
    b"clrt": b"clrt\0\0\0\0" + struct.pack(">I32s3H", 1, _TOKEN, 1, 2, 3),
    b"pseq": b"pseq\0\0\0\0" + struct.pack(">I", 1) + _TOKEN * 4,
    b"MSBN": b"MSBN\0\0\0\0" + _TOKEN,
    b"tiny": b"text\0\0\0\0" + b"J",
}
_NUMBERS = {b"wtpt": _XYZ, b"rTRC": _CURVE, b"A2B0": _LUT}


def _profile(elements: dict[bytes, bytes]) -> bytes:
    position = 128 + 4 + 12 * len(elements)
    table, body = struct.pack(">I", len(elements)), b""
    for signature, element in elements.items():
        table += struct.pack(">4sII", signature, position + len(body), len(element))
        body += element + _TOKEN[: -len(element) % 4]  # hidden where padding should be
    size = position + len(body)
    header = struct.pack(">I4sI4s4s4s", size, _TOKEN[:4], 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 3, 14, 15, 9, 26) + b"acsp" + b"APPL" + struct.pack(">I", 0xBEEF0003)
    header += (
        _TOKEN + struct.pack(">4sII", _TOKEN[:4], 5, 1) + _XYZ[8:] + _TOKEN[4:] + _TOKEN * 2 + _TOKEN * 3
    )
    return header.ljust(128, b"D")[:128] + table + body


def _elements(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    rows = struct.iter_unpack(">4sII", profile[132 : 132 + 12 * count])
    return {signature: profile[start : start + size] for signature, start, size in rows}


def test_no_text_of_a_profile_survives_and_all_numbers_do() -> None:
    original = _profile({**_TEXTS, **_NUMBERS})
    new = without_text(original)
    assert not [i for i in range(len(_TOKEN) - 3) if _TOKEN[i : i + 4] in new]
    assert _WIDE not in new
    found = _elements(new)
    assert {signature: found[signature] for signature in _NUMBERS} == _NUMBERS
    assert found[b"calt"] == b"dtim\0\0\0\0" + struct.pack(">6H", 1900, 1, 1, 0, 0, 0)
    assert struct.unpack(">I32s3H", found[b"clrt"][8:]) == (1, b"ANONYMIZED".ljust(32, b"\0"), 1, 2, 3)


def test_size_and_tag_table_stay() -> None:
    original = _profile({**_TEXTS, **_NUMBERS}) + b"\0"
    new = without_text(original)
    assert len(new) == len(original)
    table = slice(128, 132 + 12 * (len(_TEXTS) + len(_NUMBERS)))
    assert new[table] == original[table]


def test_the_header_keeps_what_colours_need_and_nothing_else() -> None:
    original = _profile(_NUMBERS)
    new = without_text(original)
    assert new[:4] == original[:4]
    assert new[8:24] == original[8:24]  # version, class, spaces
    assert struct.unpack(">6H", new[24:36]) == (1900, 1, 1, 0, 0, 0)
    assert new[36:40] == b"acsp"
    assert new[44:48] == struct.pack(">I", 3)
    assert new[56:64] == struct.pack(">II", 0, 5)
    assert new[64:80] == original[64:80]  # intent, illuminant
    assert not any((*new[4:8], *new[40:44], *new[48:56], *new[80:128]))


def test_texts_stay_readable() -> None:
    found = _elements(without_text(_profile(_TEXTS)))
    assert found[b"cprt"] == b"text\0\0\0\0ANONYMIZ\0"
    assert found[b"tiny"] == b"text\0\0\0\0\0"
    (length,) = struct.unpack_from(">I", found[b"desc"], 8)
    assert found[b"desc"][12 : 12 + length] == b"ANONYMIZED\0"
    count, row, language, size, start = struct.unpack_from(">II4sII", found[b"dmnd"], 8)
    assert (count, row, language) == (1, 12, b"enUS")
    assert found[b"dmnd"][start : start + size].decode("utf-16-be") == "ANONYMIZED"


def test_a_second_pass_changes_nothing() -> None:
    once = without_text(_profile({**_TEXTS, **_NUMBERS}))
    assert without_text(once) == once


def test_elements_that_tags_share_are_edited_once() -> None:
    profile = bytearray(_profile({b"desc": _TEXTS[b"dmnd"], b"cprt": _TEXTS[b"cprt"]}))
    profile[132 + 12 + 4 : 132 + 24] = profile[132 + 4 : 132 + 12]
    found = _elements(without_text(bytes(profile)))
    assert found[b"desc"] == found[b"cprt"] != b""


@pytest.mark.parametrize(
    "dialect", [minimal_profile(), imagecodecs.cms_profile("srgb")], ids=["ours", "lcms"]
)
def test_a_colour_engine_takes_the_products(dialect: bytes) -> None:
    new = without_text(dialect)
    imagecodecs.cms_profile_validate(new)
    assert [e for s, e in _elements(new).items() if s[1:] in {b"XYZ", b"TRC"}] == [
        e for s, e in _elements(dialect).items() if s[1:] in {b"XYZ", b"TRC"}
    ]


def test_the_minimal_profile_says_nothing_that_would_have_to_be_changed() -> None:
    assert without_text(minimal_profile()) == minimal_profile()


_WHOLE = _profile({**_TEXTS, **_NUMBERS})


def _with(at: int, value: int) -> bytes:
    return _WHOLE[:at] + struct.pack(">I", value) + _WHOLE[at + 4 :]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        _TOKEN,
        _WHOLE[:140],
        _WHOLE.replace(b"acsp", b"ACSP"),
        _with(0, len(_WHOLE) + 1),  # a size beyond its end
        _with(0, 100),
        _with(128, 1 << 31),  # more tags than room
        _with(136, 64),  # an element in the header
        _with(136, len(_WHOLE)),
        _with(140, 4),  # an element without a type
        _with(140, 1 << 31),
        _with(140, struct.unpack_from(">I", _WHOLE, 140)[0] + 16),  # overlaps the next one
    ],
)
def test_a_broken_profile_becomes_the_minimal_one(broken: bytes) -> None:
    assert without_text(broken) == minimal_profile()


@given(st.integers(0, len(_WHOLE) - 5), st.binary(min_size=1, max_size=5))
def test_whatever_is_damaged_there_is_a_product_that_is_stable(at: int, damage: bytes) -> None:
    new = without_text(_WHOLE[:at] + damage + _WHOLE[at + len(damage) :])
    assert without_text(new) == new
    assert new == minimal_profile() or len(new) == len(_WHOLE)
