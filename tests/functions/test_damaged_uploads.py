"""What is damaged behind its header is refused at upload, and keeps nothing out that is whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, JPEG, Element, encode, part10, rich_file, uid
from tests.support.api_client import Client
from tests.support.codestreams import encapsulated

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, JPEG]  # what follows a deflated data set is no part of it
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
FRAMES = encapsulated([b"\xff\xd8frame\xff\xd9 ", b"\xff\xd8other frame\xff\xd9"])


def file_with(value: bytes, behind: bytes = b"") -> bytes:
    """Return a file whose encapsulated pixel data are given as they are, the delimiter among them."""
    header = [
        Element(0x00080018, "UI", uid(1, 1, 1, 1)),
        Element(0x00100020, "LO", "P1"),
        Element(0x0020000D, "UI", uid(1, 1)),
        Element(0x0020000E, "UI", uid(1, 1, 1)),
    ]
    pixels = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff" + value
    return part10(encode(header) + pixels + behind, JPEG)


WHOLE = file_with(FRAMES + END, encode([Element(0x7FE10010, "LO", "TAIL")]))
DAMAGED = {
    "no delimiter": file_with(FRAMES),
    "a fragment cut off": file_with(FRAMES[:-5]),
    "a header cut off": file_with(FRAMES + ITEM),
    "a fragment of undefined length": file_with(FRAMES + ITEM + b"\xff\xff\xff\xff" + END),
    "no items": file_with(b"\xff\xd8\xff\xd9" * 10 + END),
    "text among fragments": file_with(FRAMES + b"text" * 4 + END),
    "text behind the delimiter": file_with(FRAMES + END + b"trailing text"),
    "an element cut off behind it": WHOLE[:-1],
    "its header cut off": WHOLE[:-9],
    "two delimiters": file_with(FRAMES + END + END),
}


@pytest.mark.parametrize("spooled", [False, True])
@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damaged_fragments_are_refused_and_the_whole_file_is_stored(
    client: Client,
    tmp_path: Path,
    data: bytes,
    spooled: bool,  # noqa: FBT001
) -> None:
    if spooled:
        (tmp_path / "upload").write_bytes(data)
        answer = client.post("/instances", bodyPath=str(tmp_path / "upload"))
    else:
        answer = client.post("/instances", data)
    assert (answer.status, answer.json["OrthancStatus"]) == (400, 15)
    assert not client.stored_files()
    assert client.post("/instances", WHOLE).json["Status"] == "Success"


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_cut_anywhere_is_refused_or_can_be_edited(client: Client, syntax: str) -> None:
    data = rich_file(syntax=syntax)
    refused = 0
    for length in range(len(data) - 400, len(data), 7):
        answer = client.post("/instances", data[:length])
        refused += answer.status == 400
        if answer.status == 200:
            found = client.post(f"/instances/{answer.json['ID']}/modify", {"Replace": {"StudyID": "1"}})
            assert found.status == 200, length
            client.delete(f"/instances/{answer.json['ID']}")
    assert refused > 40


@pytest.mark.parametrize(
    "behind", [b"trailing text", b"\1", b"\0\xff", b"\xff\0", bytes(500) + b"x", b"\xff" * 99 + b"x"]
)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_garbage_behind_a_file_is_refused(client: Client, syntax: str, behind: bytes) -> None:
    answer = client.post("/instances", rich_file(syntax=syntax) + behind)
    assert (answer.status, answer.json["OrthancStatus"]) == (400, 15)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 11, 12, 500, 200_000])
@pytest.mark.parametrize("padding", [b"\0", b"\xff"])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_padding_behind_a_file_is_taken_and_goes_with_an_edit(
    client: Client, syntax: str, padding: bytes, count: int
) -> None:
    data = rich_file(syntax=syntax)
    answer = client.post("/instances", data + padding * count)
    assert answer.json["Status"] == "Success"
    path = f"/instances/{answer.json['ID']}"
    body = {"Replace": {"StudyID": "1"}, "Keep": ["SOPInstanceUID"], "Force": True}
    edited = client.post(f"{path}/modify", body)
    client.delete(path)
    client.post("/instances", data)
    assert edited.status == 200
    assert edited.body == client.post(f"{path}/modify", body).body


def test_a_file_may_come_as_gzip_of_several_members(client: Client) -> None:
    data = rich_file(syntax=JPEG)
    body = b"".join(gzip.compress(data[at : at + 1000]) for at in range(0, len(data), 1000))
    answer = client.post("/instances", body, headers={"Content-Encoding": "gzip"})
    assert client.get(f"/instances/{answer.json['ID']}/file").body == data
    cut = client.post("/instances", body[:-20], headers={"Content-Encoding": "gzip"})
    assert cut.status == 400
