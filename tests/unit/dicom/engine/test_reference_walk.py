"""References that the walkers of items rewrite become what the slower, hierarchical way makes of them."""

from __future__ import annotations

import struct

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from dicomorph.dicom.engine.destinations import NewIdentifiers
from dicomorph.dicom.engine.edit_plan import EditPlan
from dicomorph.dicom.engine.encoded_scope import EncodedScopes
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.moved_instances import MovedInstances
from dicomorph.dicom.engine.reference_editor import ReferenceEditor
from dicomorph.dicom.engine.reference_walk import ReferenceWalk
from dicomorph.dicom.engine.rewriting import Rewriting, Terms
from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE, encoding_inside
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.whole_scan import scan_whole
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import part10
from tests.support.edits import KEY
from tests.support.referring_study import CT, KINDS, PET, Study, encoded, leaves
from tests.unit.dicom.engine.test_following_references import (
    ENCODINGS,
    IMAGES,
    MAPPER,
    PARTINGS,
    STUDY,
    expected,
    explicit,
    followed,
    implicit,
    item,
    merging,
    moved,
    odd_files,
    read,
)

_ELSEWHERE = b"1.2.3.4\0"
_SEQUENCE = 0x00081140


def both(plan: EditPlan, instances: MovedInstances) -> tuple[ReferenceWalk, ReferenceEditor]:
    """Return the two ways to rewrite references, under one plan."""
    new = NewIdentifiers(plan, lambda copy: IdentityMapper(KEY, copy=copy), 0, lambda: instances)
    editor = ReferenceEditor(new)
    rewriting = Rewriting(plan, MAPPER, "Latin1", {}, Terms.KEEP, editor)
    return ReferenceWalk(editor, EncodedScopes(rewriting)), editor


def compare(file: bytes, instances: MovedInstances) -> int:
    """Assert that both ways agree on all top-level sequences of a file; return how many change."""
    walk, editor = both(merging(), instances)
    data = open_dataset(BufferSource(file))
    changed = 0
    buffer, _ = data.source.window(0, data.source.size)
    for found in scan_whole(data):
        if found.vr not in {b"SQ", b"UN", b"OB", b""}:
            continue
        stop = found.stop - 8 if found.undefined else found.stop
        inner = encoding_inside(found.vr, data.encoding, buffer, found.value, stop)
        where = found.tag, buffer, found.value, stop, inner
        slow = editor.items(*where)
        assert [walk.items(*where), walk.items(*where)] == [slow, slow], hex(found.tag)
        changed += slow is not None
    return changed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("syntax", "undefined"), ENCODINGS)
def test_both_ways_agree_on_each_object_however_it_is_written(
    kind: str,
    syntax: UID,
    undefined: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    file = encoded(STUDY.objects()[kind], syntax, undefined=undefined)
    assert [compare(file, moved(instances)) for instances in PARTINGS][-1] > 0


# A delimiter where a length ends anyway is none of the references' business: only one way keeps it.
ODD = [(name, sequence) for name, sequence in odd_files() if "delimiter" not in name]


@pytest.mark.parametrize(("name", "sequence"), ODD, ids=[name for name, _ in ODD])
def test_both_ways_agree_on_odd_encodings(name: str, sequence: bytes) -> None:
    file = part10(sequence)
    assert compare(file, moved(IMAGES[:1])) == 1, name
    assert compare(file, moved(IMAGES[1:])) == 0, name


def _frames(count: int) -> Dataset:
    """Return an object whose frames repeat each other's references, as functional groups do."""
    data = STUDY.objects()["SEG"]
    data.PerFrameFunctionalGroupsSequence = [
        frame for _ in range(count) for frame in data.PerFrameFunctionalGroupsSequence
    ]
    return data


@pytest.mark.parametrize("undefined", [False, True])
def test_frames_that_repeat_references_follow_one_by_one(*, undefined: bool) -> None:
    file = encoded(_frames(40), undefined=undefined)
    assert compare(file, moved(IMAGES[:2])) > 0
    before, after = read(file), read(followed(BufferSource(file), moved(IMAGES[:2])))
    assert sorted(leaves(after)) == sorted(expected(leaf, IMAGES[:2]) for leaf in leaves(before))


def test_sequences_of_any_size_follow_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    file = encoded(_frames(10))
    small = followed(BufferSource(file), moved(IMAGES))
    monkeypatch.setattr("dicomorph.dicom.engine.reference_walk._LARGEST", 100)
    assert followed(BufferSource(file), moved(IMAGES)) == small
    monkeypatch.setattr("dicomorph.dicom.engine.reference_tree._MOST", 30)
    with pytest.raises(BadFileFormatError, match="too many references"):
        followed(BufferSource(file), moved(IMAGES))


@pytest.mark.parametrize("in_front", [b"", explicit(0x00080000, b"UL", struct.pack("<I", 8))])
@pytest.mark.parametrize("uid", [b"", _ELSEWHERE, _ELSEWHERE + b"\0\0", b" 1.2.3.4"])
def test_a_reference_to_what_stays_keeps_every_byte_around_it(in_front: bytes, uid: bytes) -> None:
    inner = item(in_front + explicit(0x00081155, b"UI", uid), undefined=True)
    for body in (inner, inner * 3, item(explicit(_SEQUENCE, b"SQ", inner) + b"")):
        sequence = explicit(_SEQUENCE, b"SQ", body)
        assert sequence in followed(BufferSource(part10(sequence)), moved(IMAGES))


def test_what_is_damaged_or_out_of_order_stays_and_what_is_beside_it_follows() -> None:
    uid = IMAGES[0].encode() + b"\0" * (len(IMAGES[0]) % 2)
    good = explicit(0x00081199, b"SQ", item(explicit(0x00081155, b"UI", uid)))
    for odd in (
        explicit(0x00081115, b"SQ", item(b"\x08\0")),
        explicit(0x00081115, b"SQ", b"x" * 12),
        explicit(0x00081198, b"SH", b"b ") + explicit(0x00081196, b"SH", b"a "),
        explicit(0x00091001, b"UN", item(implicit(0x00081155, b"\0"))[:-4]),
    ):
        sequence = explicit(_SEQUENCE, b"SQ", item(odd + good))
        output = followed(BufferSource(part10(sequence)), moved(IMAGES[:1]))
        assert odd in output
        assert uid not in output
        assert compare(part10(sequence), moved(IMAGES[:1])) == 1


def test_a_sequence_that_names_studies_in_one_file_follows_in_the_next_one_that_names_none() -> None:
    instances = moved(IMAGES)
    walk, _ = both(merging(), instances)
    reference = explicit(0x00081155, b"UI", IMAGES[2].encode() + b"\0" * (len(IMAGES[2]) % 2))
    hierarchical = item(
        explicit(0x00081199, b"SQ", item(reference))
        + explicit(0x0020000E, b"UI", (series := STUDY.series(PET).encode()) + b"\0" * (len(series) % 2))
    )
    for body in (hierarchical, item(reference), hierarchical * 40, item(reference) * 40):
        new = walk.items(_SEQUENCE, body, 0, len(body), EXPLICIT_LITTLE)
        assert new is not None
        assert IMAGES[2].encode() not in new


def test_studies_alike_in_all_but_their_uids_do_not_share_what_is_remembered() -> None:
    other = Study(2)
    walks = [both(merging(), moved([study.instance(CT)], study))[0] for study in (STUDY, other)]
    for study in (STUDY, other):
        body = item(
            explicit(0x00081155, b"UI", (one := study.instance(CT).encode()) + b"\0" * (len(one) % 2))
        )
        changed = [walk.items(_SEQUENCE, body, 0, len(body), EXPLICIT_LITTLE) for walk in walks]
        assert [found is not None for found in changed] == [study is STUDY, study is other]
