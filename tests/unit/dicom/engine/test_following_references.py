"""References of a file whose job gives some instances new identifiers: each object, encoding and parting."""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.deid.requests.study_changes import StudyChanges
from dicomorph.dicom.engine.destinations import NewIdentifiers
from dicomorph.dicom.engine.edit_plan import EditPlan
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.moved_instances import MovedInstances, Packing, Place
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.standard.tag_path import TagPath
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings
from tests.dicom_factory import BIG, part10
from tests.support.edits import KEY, WindowedSource
from tests.support.growth import grows_with_its_size
from tests.support.referring_study import (
    CT,
    ELSEWHERE,
    KINDS,
    PET,
    SYNTAXES,
    Leaf,
    Study,
    encoded,
    leaves,
    shape,
)

TARGET = "1.9.9.9"
STUDY = Study()
IMAGES = (STUDY.instance(CT, 1), STUDY.instance(CT, 2), STUDY.instance(PET))
PARTINGS = ((), IMAGES[:1], IMAGES[:2], IMAGES[1:], IMAGES)
ENCODINGS = [(syntax, undefined) for syntax in SYNTAXES for undefined in (False, True)]
MAPPER = IdentityMapper(KEY)


def moved(instances: Collection[str], study: Study = STUDY) -> MovedInstances:
    """Return what a job knows of its instances."""
    series = [study.series(number) for number in (CT, PET)]
    packing = Packing(KEY)
    for one in instances:
        packing.add(one, series.index(one.rpartition(".")[0]))
    return MovedInstances(KEY, [Place(study.uid, one) for one in series], [packing.packed()])


def _moving() -> StudyChanges:
    return StudyChanges(replace={0x0020000D: TARGET}, remove=frozenset())


def merging() -> EditPlan:
    """Return the plan of a job that puts instances into another study."""
    changes = _moving()
    return compile_plan(changes.modification(), name="", settings=Settings(), follows_references=True)


def followed(source: Source, instances: MovedInstances, plan: EditPlan | None = None) -> bytes:
    plan = plan or merging()
    new = NewIdentifiers(plan, lambda copy: IdentityMapper(KEY, copy=copy), 0, lambda: instances)
    rewriter = Rewriter(plan, MAPPER, default_encoding="Latin1", destinations=new)
    return b"".join(rewriter.rewrite(source).chunks(source))


def read(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def expected(leaf: Leaf, instances: Collection[str]) -> Leaf:
    """Return what becomes of a reference: an oracle that knows of no items."""
    if leaf.instance not in instances:
        return leaf
    return Leaf(
        leaf.study and TARGET,
        leaf.series and MAPPER.uid(Namespace.SERIES, leaf.series),
        MAPPER.uid(Namespace.INSTANCE, leaf.instance),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("syntax", "undefined"), ENCODINGS)
def test_each_reference_follows_its_instance_wherever_the_others_go(
    kind: str,
    syntax: UID,
    undefined: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    file = encoded(STUDY.objects()[kind], syntax, undefined=undefined)
    before = read(file)
    for instances in PARTINGS:
        after = read(followed(WindowedSource(file), moved(instances)))
        want = Counter(expected(leaf, instances) for leaf in leaves(before))
        assert Counter(leaves(after)) == want, instances
        assert shape(after) == shape(before)
        assert after.FrameOfReferenceUID == STUDY.frame


@pytest.mark.parametrize("named_by", ["ReferencedSOPInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("around", [("study", "series"), ("study",), ("series",)])
@pytest.mark.parametrize(("syntax", "undefined"), ENCODINGS)
def test_an_item_that_names_study_or_series_beside_an_instance_follows_the_instance(
    named_by: str,
    around: tuple[str, ...],
    syntax: UID,
    undefined: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    data = STUDY.objects()["PR"]
    elsewhere = STUDY.instance(ELSEWHERE)
    data.ReferencedInstanceSequence = []
    for instance in (*IMAGES, elsewhere):
        item = Dataset()
        if "study" in around:
            item.StudyInstanceUID = STUDY.uid
        if "series" in around:
            item.SeriesInstanceUID = instance.rpartition(".")[0]
        setattr(item, named_by, instance)
        data.ReferencedInstanceSequence.append(item)
    file = encoded(data, syntax, undefined=undefined)
    for instances in PARTINGS:
        after = read(followed(WindowedSource(file), moved(instances)))
        for item, instance in zip(after.ReferencedInstanceSequence, (*IMAGES, elsewhere), strict=True):
            stated = Leaf(STUDY.uid, instance.rpartition(".")[0], instance)
            want = expected(stated, instances)
            assert item[named_by].value == want.instance
            assert item.get("StudyInstanceUID", want.study) == want.study
            assert item.get("SeriesInstanceUID", want.series) == want.series


def test_a_file_in_memory_and_one_that_is_read_in_parts_become_the_same() -> None:
    for data in STUDY.objects().values():
        file = encoded(data)
        instances = moved(IMAGES[:2])
        assert followed(BufferSource(file), instances) == followed(WindowedSource(file), instances)


def test_what_refers_to_nothing_of_the_job_is_what_it_is_without_following() -> None:
    plan = compile_plan(_moving().modification(), name="", settings=Settings())
    other = Study(2)
    for data in other.objects().values():
        file = encoded(data)
        source = BufferSource(file)
        without = Rewriter(plan, MAPPER, default_encoding="Latin1").rewrite(source).join(source)
        assert followed(source, moved(IMAGES)) == without


def test_series_and_studies_to_which_references_lead_as_a_whole_follow() -> None:
    image = read(followed(BufferSource(encoded(STUDY.images()[1])), moved(IMAGES)))
    [related] = image.RelatedSeriesSequence
    pet = MAPPER.uid(Namespace.SERIES, STUDY.series(PET))
    assert (related.StudyInstanceUID, related.SeriesInstanceUID) == (TARGET, pet)
    assert image.RequestAttributesSequence[0].StudyInstanceUID == TARGET
    assert image.ReferencedStudySequence[0].ReferencedSOPInstanceUID == TARGET
    report = read(followed(BufferSource(encoded(STUDY.objects()["SR"])), moved(IMAGES)))
    assert report.ReferencedRequestSequence[0].StudyInstanceUID == TARGET
    [container] = report.ContentSequence
    named = [item.UID for item in container.ContentSequence if item.ValueType == "UIDREF"]
    assert named == [pet, MAPPER.uid(Namespace.INSTANCE, IMAGES[2]), "1.2"]


def test_what_is_history_or_kept_stays() -> None:
    data = STUDY.objects()["KO"]
    modified = Dataset()
    modified.ModifiedAttributesSequence = [Dataset()]
    modified.ModifiedAttributesSequence[0].StudyInstanceUID = STUDY.uid
    data.OriginalAttributesSequence = [modified]
    keep = frozenset({TagPath((), 0x0040A375)})
    request = replace(_moving().modification(), keep=keep)
    plan = compile_plan(request, name="", settings=Settings(), follows_references=True)
    found = read(followed(BufferSource(encoded(data)), moved(IMAGES), plan))
    assert found.OriginalAttributesSequence == data.OriginalAttributesSequence
    assert found.CurrentRequestedProcedureEvidenceSequence == data.CurrentRequestedProcedureEvidenceSequence
    assert found.IdenticalDocumentsSequence != data.IdenticalDocumentsSequence


@pytest.mark.parametrize("undefined", [False, True])
def test_the_other_rules_of_a_request_hold_for_what_follows(*, undefined: bool) -> None:
    data = STUDY.objects()["SEG"]
    frame = data.PerFrameFunctionalGroupsSequence[1]
    frame.add_new(0x00090010, "LO", "ACME")
    frame.add_new(0x00189199, "UN", b"x" * 70_000)  # a run that is no copy but a range
    body: dict[str, Any] = {
        "RemovePrivateTags": True,
        "Remove": ["PerFrameFunctionalGroupsSequence[*].FrameContentSequence"],
        "Replace": {
            "SharedFunctionalGroupsSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID": IMAGES[0]
        },
    }
    request = parse_modification(body, is_anonymization=False, level=Level.STUDY, settings=Settings())
    plan = compile_plan(request, name="", settings=Settings(), follows_references=True)
    found = read(followed(WindowedSource(encoded(data, undefined=undefined)), moved(IMAGES), plan))
    private = {element.tag for element in found.iterall() if element.tag.is_private}
    assert not private
    assert not any("FrameContentSequence" in item for item in found.PerFrameFunctionalGroupsSequence)
    assert len(found.PerFrameFunctionalGroupsSequence[1][0x00189199].value) == 70_000
    sources = [
        str(image.ReferencedSOPInstanceUID)
        for item in found.PerFrameFunctionalGroupsSequence
        for image in item.DerivationImageSequence[0].SourceImageSequence
    ]
    new = [MAPPER.uid(Namespace.INSTANCE, one) for one in IMAGES]
    assert sources == [new[0], new[2], new[1], new[2], new[0], new[2]]
    shared = found.SharedFunctionalGroupsSequence[0].ReferencedImageSequence[0]
    assert shared.ReferencedSOPInstanceUID == IMAGES[0]  # what a request writes is no reference of the file


_ID = IMAGES[0].encode() + b"\0" * (len(IMAGES[0]) % 2)


def item(body: bytes, *, undefined: bool = False) -> bytes:
    length = 0xFFFFFFFF if undefined else len(body)
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) if undefined else b""
    return struct.pack("<HHI", 0xFFFE, 0xE000, length) + body + end


def implicit(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def explicit(tag: int, vr: bytes, value: bytes, order: str = "<") -> bytes:
    head = struct.pack(order + "HH2s", tag >> 16, tag & 0xFFFF, vr)
    long = vr in (b"SQ", b"UN", b"OB")
    return (
        head
        + (struct.pack(order + "HI", 0, len(value)) if long else struct.pack(order + "H", len(value)))
        + value
    )


def odd_files() -> Iterator[tuple[str, bytes]]:
    """Yield sequences with one reference, written as the standard does not say or does not ask for."""
    uid = explicit(0x00081155, b"UI", _ID)
    hidden = item(implicit(0x00081155, _ID))
    end, item_end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    yield "UN, implicit", explicit(0x00081140, b"UN", hidden)
    yield "UN, explicit", explicit(0x00081140, b"UN", item(uid))
    yield "known under OB", explicit(0x00081140, b"OB", item(uid))
    yield "private UN", explicit(0x00091001, b"UN", hidden)
    yield "private SQ", explicit(0x00091001, b"SQ", item(uid))
    yield (
        "private UN of undefined length",
        (struct.pack("<HH2sHI", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFFF) + hidden + end),
    )
    yield "a delimiter at the end of the sequence", explicit(0x00081140, b"SQ", item(uid) + end)
    yield "a delimiter at the end of the item", explicit(0x00081140, b"SQ", item(uid + item_end))
    yield "UN within SQ", explicit(0x00081140, b"SQ", item(explicit(0x00081199, b"UN", hidden)))
    yield (
        "a group length",
        explicit(0x00081140, b"SQ", item(explicit(0x00080000, b"UL", struct.pack("<I", len(uid))) + uid)),
    )
    yield "UID under LO", explicit(0x00081140, b"SQ", item(explicit(0x00081155, b"LO", _ID)))
    deep = uid
    for number in range(60):
        deep = explicit(0x00081140, b"SQ", item(deep, undefined=bool(number % 2)))
    yield "60 levels", deep


@pytest.mark.parametrize(("name", "sequence"), list(odd_files()), ids=[name for name, _ in odd_files()])
def test_odd_encodings_are_followed(name: str, sequence: bytes) -> None:
    file = part10(explicit(0x00080016, b"UI", b"1.2\0") + sequence)
    new = MAPPER.uid(Namespace.INSTANCE, IMAGES[0]).encode()
    output = followed(BufferSource(file), moved(IMAGES[:1]))
    assert new in output
    assert _ID not in output
    assert output == followed(WindowedSource(file), moved(IMAGES[:1]))
    assert (b"\x08\0\0\0UL" in output) is False
    if not {"delimiter", "private", "OB"} & set(name.split()):  # pydicom reads the others otherwise
        assert new.decode() in str(read(output))


def test_implicit_little_endian_within_big_endian_is_followed() -> None:
    hidden = item(implicit(0x00081155, _ID))
    file = part10(explicit(0x00081140, b"UN", hidden, ">"), BIG)
    new = MAPPER.uid(Namespace.INSTANCE, IMAGES[0]).encode()
    new += b"\0" * (len(new) % 2)
    output = followed(BufferSource(file), moved(IMAGES[:1]))
    assert explicit(0x00081140, b"UN", item(implicit(0x00081155, new)), ">") in output


@pytest.mark.parametrize("damage", [b"x" * 9, item(b"\x08\0\x55\x11UI\xff\0" + _ID), item(b"\x08\0")])
def test_a_damaged_sequence_stays_as_it_is(damage: bytes) -> None:
    good = explicit(0x00081140, b"SQ", item(explicit(0x00081155, b"UI", _ID)))
    inner = explicit(0x00081115, b"SQ", damage)
    for broken in (explicit(0x00081115, b"SQ", damage), explicit(0x00081115, b"SQ", item(inner))):
        output = followed(BufferSource(part10(broken + good)), moved(IMAGES[:1]))
        assert broken in output
        assert MAPPER.uid(Namespace.INSTANCE, IMAGES[0]).encode() in output


def test_more_references_than_memory_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.dicom.engine.reference_tree._MOST", 3)
    file = encoded(STUDY.objects()["KO"])
    with pytest.raises(BadFileFormatError, match="too many references"):
        followed(BufferSource(file), moved(IMAGES))


def test_an_item_does_not_become_so_many_that_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.dicom.engine.reference_editor._MOST_COPIED", 100)
    file = encoded(STUDY.objects()["KO"])
    with pytest.raises(BadFileFormatError, match="too many"):
        followed(BufferSource(file), moved(IMAGES[:1]))
    assert followed(BufferSource(file), moved(()))  # nothing parts


def evidence_of(count: int) -> bytes:
    """Return a file whose evidence names one image of the study, and others in series of their own."""
    series = []
    for number in range(count):
        instance, uid = (f"1.2.{number}", f"1.3.{number}") if number else (IMAGES[0], STUDY.series(CT))
        leaf = item(explicit(0x00081155, b"UI", padded(instance)))
        series.append(item(explicit(0x00081199, b"SQ", leaf) + explicit(0x0020000E, b"UI", padded(uid))))
    study = explicit(0x0020000D, b"UI", padded(STUDY.uid))
    evidence = item(explicit(0x00081115, b"SQ", b"".join(series)) + study)
    return part10(explicit(0x00080016, b"UI", b"1.2\0") + explicit(0x0040A375, b"SQ", evidence))


def test_a_hostile_evidence_that_parts_takes_time_as_it_grows_and_no_more() -> None:
    def follow(file: bytes) -> None:
        output = followed(BufferSource(file), moved(IMAGES[:1]))
        assert output.count(TARGET.encode()) == 2  # of the file, and of the part that left

    assert grows_with_its_size(follow, evidence_of, size=4_000)


def padded(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


def test_of_instances_with_one_uid_the_one_that_is_meant_decides_the_series() -> None:
    places = [Place("1.1", "1.1.1"), Place("1.2", "1.2.1")]
    packing = Packing(KEY)
    for number in range(2):
        packing.add("1.7", number)
    instances = MovedInstances(KEY, places, [packing.packed()])
    for place in places:
        assert instances.place_of("1.7", place) == place
        assert instances.place_of("1.7", Place("", place.series)) == place
    assert instances.place_of("1.8", places[0]) is None
    assert not MovedInstances(b"another key 12345", places, [packing.packed()]).has_copy("1.7", 0)
