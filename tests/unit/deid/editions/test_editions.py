"""Editions of the profile: what each one does, and that others may answer by path and SOP class."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from dicomorph.deid import compilation
from dicomorph.deid.editions.profiles import EDITIONS, profile
from dicomorph.deid.editions.resolution import ANYWHERE, Path
from dicomorph.dicom.engine.edit_plan import EMPTY, KEEP, REMOVE, Action, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dictionary import vr_of
from tests.dicom_factory import CT_IMAGE_STORAGE, Element, rich_file
from tests.support.edits import anonymized, edited, plan, rewriter
from tests.support.small_files import CLASS, SEQUENCE, nested, small_file, tree_of, values_of

MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
STUDY_DATE, PATIENT_COMMENTS, IMAGES = 0x00080020, 0x00104000, 0x00081140
STUDY_DESCRIPTION = 0x00081030


@pytest.mark.parametrize(
    ("tag", "actions"),
    [
        # The changes between editions that Orthanc's issue 146 is about.
        (STUDY_DATE, "keep empty empty empty"),
        (0x00500020, "keep keep remove remove"),
        (0x30060002, "keep keep empty empty"),
        (0x00420011, "keep keep keep empty"),
        (0x00080012, "keep keep keep remove"),
        (0x0040A730, "remove remove empty empty"),
        (0x00081155, "map map map map"),
        (CLASS, "keep keep keep keep"),
        (0x00080005, "keep keep keep keep"),
        (0x50003000, "remove remove remove remove"),
        (0x60000010, "remove remove remove remove"),
    ],
)
def test_each_edition_has_its_own_answer(tag: int, actions: str) -> None:
    found = [profile(edition).resolve(tag, ANYWHERE, "").action.value for edition in EDITIONS]
    assert " ".join(found) == actions


@pytest.mark.parametrize("edition", EDITIONS)
def test_only_uids_are_mapped_and_no_class_among_them(edition: str) -> None:
    mapped = [tag for tag, rule in profile(edition).rules.items() if rule.action is Action.MAP]
    assert {vr_of(tag) for tag in mapped} == {"UI"}
    assert not {CLASS, 0x00081150, 0x00020010, 0x0008010C} & set(mapped)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_study_is_referred_to_at_one_path_of_a_structure_set(edition: str) -> None:
    found = profile(edition)
    study, instance = (Rule(Action.MAP, namespace) for namespace in (Namespace.STUDY, Namespace.INSTANCE))
    assert found.resolve(0x00081155, (0x30060010, 0x30060012), "") == study
    for path in [(), (0x30060010,), (IMAGES,), (0x30060010, IMAGES), (IMAGES, 0x30060010, 0x30060012)]:
        place: Path = ()
        for tag in path:
            place = found.place((*place, tag), "")
        assert found.resolve(0x00081155, place, "") == instance, path


@dataclass
class LaterEdition:
    """An edition whose answers depend on where an attribute stands, and in what."""

    method: str = "a later edition"
    asked: list[tuple[int, Path, str]] = field(default_factory=list)

    @property
    def depends_on_sop_class(self) -> bool:
        return True

    def resolve(self, tag: int, path: Path, sop_class: str, staying: frozenset[int] = frozenset()) -> Rule:
        assert staying >= {STUDY_DESCRIPTION}
        self.asked.append((tag, path, sop_class))
        if tag != PATIENT_COMMENTS:
            return KEEP
        if sop_class == MR_IMAGE_STORAGE:
            return KEEP
        return {(): KEEP, (IMAGES,): EMPTY, (SEQUENCE, IMAGES): REMOVE}.get(path, KEEP)

    def place(self, path: Path, sop_class: str) -> Path:
        assert sop_class
        return path


def data_set(sop_class: str) -> bytes:
    comment = Element(PATIENT_COMMENTS, "LT", "comment")
    images = Element(IMAGES, "SQ", [[comment], [comment]])
    return small_file(Element(CLASS, "UI", sop_class), comment, images, nested(comment, images))


def test_an_edition_may_answer_by_path_and_sop_class(monkeypatch: pytest.MonkeyPatch) -> None:
    edition = LaterEdition()
    monkeypatch.setattr(compilation, "resolver_of", lambda *_: edition)
    compilation._shared_root.cache_clear()
    try:
        engine = rewriter({"Keep": ["StudyDescription"]})
        ct, mr = data_set(CT_IMAGE_STORAGE), data_set(MR_IMAGE_STORAGE)
        for _ in range(2):  # learnt for one class, nothing is applied to the other
            assert values_of(edited(ct, engine), PATIENT_COMMENTS) == [b"comment", b"", b"", b"comment"]
            assert values_of(edited(mr, engine), PATIENT_COMMENTS) == [b"comment"] * 6
    finally:
        compilation._shared_root.cache_clear()
    comments = [(path, sop_class) for tag, path, sop_class in edition.asked if tag == PATIENT_COMMENTS]
    paths: list[Path] = [(), (IMAGES,), (SEQUENCE,), (SEQUENCE, IMAGES)]
    expected = [(path, sop) for path in paths for sop in (CT_IMAGE_STORAGE, MR_IMAGE_STORAGE)]
    assert sorted(comments) == sorted(expected), "each answer is asked for once"


def test_the_present_editions_share_what_was_learnt_between_places_and_classes() -> None:
    root = plan({"Keep": ["Modality"]}).root
    assert root.of_item(IMAGES, 0) is root.of_item(SEQUENCE, 0)
    assert plan({"Keep": ["Modality"]}).root_of_class is None


@pytest.mark.parametrize("edition", EDITIONS)
def test_anonymizing_twice_changes_nothing_but_identifiers(edition: str) -> None:
    once = anonymized(rich_file(), DicomVersion=edition)
    twice = tree_of(anonymized(once, DicomVersion=edition))
    changed = {tag for tag, node in tree_of(once).items() if twice.pop(tag) != node}
    assert not twice
    mapped = {tag for tag, rule in profile(edition).rules.items() if rule.action is Action.MAP}
    sequences = {tag for tag in changed if vr_of(tag) == "SQ"}
    assert changed - sequences <= mapped | {0x00080018, 0x00100020, 0x0020000D, 0x0020000E}
