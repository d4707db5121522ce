"""One file that arrives: stored, changed by a rule, or set aside; then it is gone from where it arrived."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicomorph.model.resources import Level
from dicomorph.services.arrival.outcomes import Gone, Produced, Rejected, Stored
from dicomorph.services.arrival.take import take
from tests.support.api_client import make_dicom
from tests.support.arrivals import House, house

on_files = pytest.mark.parametrize("home", ["folder"], indirect=True)
ANONYMIZE: dict[str, Any] = {"Anonymize": {}}


def _read(content: bytes) -> Dataset:
    return dcmread(io.BytesIO(content))


def _products(home: House) -> list[Dataset]:
    return [_read(content) for content in home.files()]


def test_without_a_rule_a_file_is_stored_as_it_is(home: House) -> None:
    content = make_dicom()
    taken = take(home.door(), home.place.bring("Doe^Jane/1.dcm", content))
    assert isinstance(taken, Stored)
    assert taken.answer["Status"] == "Success"
    assert home.files() == [content]
    assert home.place.waiting() == 0
    found = home.backend.index.catalogue.get(Level.INSTANCE, str(taken.answer["ID"]))
    assert found is not None
    assert found.metadata["Origin"].value == "Unknown"


def test_under_a_rule_only_the_product_is_stored(home: House) -> None:
    taken = take(home.door({"ct/": ANONYMIZE}), home.place.bring("ct/Doe^Jane.dcm", make_dicom()))
    assert isinstance(taken, Produced)
    [product] = _products(home)
    assert product.PatientID != "PAT"
    assert str(product.PatientName) == "Anonymized1"
    assert product.StudyInstanceUID.startswith("2.25.")
    assert home.place.waiting() == 0
    assert home.instances == 1


@pytest.mark.parametrize(
    ("profile", "date", "codes"),
    [
        (
            {"Options": ["RetainLongitudinalFullDates", "RetainUIDs"]},
            "20240102",
            ["113100", "113106", "113110"],
        ),
        ({"AllowList": "research-images"}, "", ["113100"]),
        ({"Preset": "SafeHarbor"}, "", ["113100"]),
    ],
)
def test_a_rule_may_choose_of_the_profile(
    home: House, profile: dict[str, Any], date: str, codes: list[str]
) -> None:
    rule = {"Anonymize": {"DicomVersion": "2026d", "Profile": profile}}
    content = make_dicom(StudyDate="20240102", StudyDescription="Dr Doe")
    assert isinstance(take(home.door({"": rule}), home.place.bring("1.dcm", content)), Produced)
    [product] = _products(home)
    assert product.StudyDate == date
    assert "StudyDescription" not in product
    assert [str(item.CodeValue) for item in product.DeidentificationMethodCodeSequence] == codes
    assert (product.StudyInstanceUID == "1.2.3.1") is ("113110" in codes)


@on_files
def test_images_of_one_study_that_arrive_one_by_one_end_in_one_study(home: House) -> None:
    # Each by a process that has just started.
    for series in (1, 2):
        for instance in (1, 2):
            content = make_dicom(series=series, instance=instance)
            take(home.door({"ct/": ANONYMIZE}), home.place.bring(f"ct/{series}{instance}", content))
    statistics = home.backend.index.catalogue.statistics()
    assert (statistics.patients, statistics.studies, statistics.series, statistics.instances) == (1, 1, 2, 4)
    assert {str(product.PatientName) for product in _products(home)} == {"Anonymized1"}


@on_files
def test_a_rule_that_is_changed_leaves_patients_their_pseudonyms(home: House) -> None:
    take(home.door({"ct/": ANONYMIZE}), home.place.bring("ct/1", make_dicom(instance=1)))
    changed = {"Anonymize": {"Keep": ["Modality"], "Replace": {"StudyDescription": "x"}}}
    take(home.door({"ct/": changed}), home.place.bring("ct/2", make_dicom(instance=2)))
    assert home.backend.index.catalogue.statistics().studies == 1


@on_files
def test_rules_have_pseudonyms_of_their_own_unless_they_share_them(home: House) -> None:
    shared = {**ANONYMIZE, "Pseudonyms": "trial"}
    rules = {"a/": ANONYMIZE, "b/": ANONYMIZE, "c/": shared, "d/": shared}
    for instance, prefix in enumerate(rules):
        take(home.door(rules), home.place.bring(f"{prefix}1", make_dicom(instance=instance)))
    assert home.backend.index.catalogue.statistics().patients == 3


@on_files
def test_references_between_files_that_arrive_apart_follow_a_modification(home: House) -> None:
    rule = {"Modify": {"Level": "Study", "Replace": {"StudyDescription": "x"}}}
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = (
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.3.1.1.1",
    )
    referring = make_dicom(series=2, ReferencedImageSequence=[reference])
    take(home.door({"": rule}), home.place.bring("2", referring))
    take(home.door({"": rule}), home.place.bring("1", make_dicom()))
    products = _products(home)
    [found] = [product for product in products if "ReferencedImageSequence" in product]
    [other] = [product for product in products if "ReferencedImageSequence" not in product]
    assert found.ReferencedImageSequence[0].ReferencedSOPInstanceUID == other.SOPInstanceUID
    assert other.SOPInstanceUID != "1.2.3.1.1.1"
    assert other.PatientID == "PAT"


def test_a_rule_may_lead_to_a_target_and_leave_nothing_in_the_store(home: House) -> None:
    rules = {"ct/": {**ANONYMIZE, "To": "research"}}
    assert take(home.door(rules), home.place.bring("ct/Doe", make_dicom())) == Produced()
    target = home.targets["research"]
    [key] = target.store.keys(target.prefix)
    product = _read(target.store.get(key) or b"")
    assert product.PatientID != "PAT"
    assert "Doe" not in key
    assert home.instances == 0
    assert home.keys("instances/") == []
    assert home.place.waiting() == 0


def _in_target(home: House) -> list[Dataset]:
    target = home.targets["research"]
    return [_read(target.store.get(key) or b"") for key in target.store.keys(target.prefix)]


def test_files_with_the_same_identifiers_become_a_product_each_in_a_target(home: House) -> None:
    rules = {"": {"Anonymize": {"Keep": ["StudyDescription"]}, "To": "research"}}
    first, second = (make_dicom(StudyDescription=one) for one in ("first", "second"))
    for content in (first, second, first):  # and the same file is the same product, whatever came between
        assert take(home.door(rules), home.place.bring("1", content)) == Produced()
    products = _in_target(home)
    assert sorted(str(product.StudyDescription) for product in products) == ["first", "second"]
    assert len({product.SOPInstanceUID for product in products}) == 1
    assert home.rejected() == []
    assert home.place.waiting() == 0


@on_files
def test_a_file_that_comes_again_under_a_changed_rule_has_its_new_product_alone_in_a_target(
    home: House,
) -> None:
    for kept in (["StudyDescription"], []):
        rules = {"": {"Anonymize": {"Keep": kept}, "To": "research"}}
        take(home.door(rules), home.place.bring("1", make_dicom(StudyDescription="Doe")))
    [product] = _in_target(home)
    assert "StudyDescription" not in product


@on_files
def test_rules_that_share_pseudonyms_and_a_target_have_a_product_each_of_one_file(home: House) -> None:
    shared = {"To": "research", "Pseudonyms": "trial"}
    rules = {"a/": {**ANONYMIZE, **shared}, "b/": {"Anonymize": {"Keep": ["StudyDescription"]}, **shared}}
    for prefix in rules:
        take(home.door(rules), home.place.bring(f"{prefix}1", make_dicom(StudyDescription="x")))
    assert sorted("StudyDescription" in product for product in _in_target(home)) == [False, True]


@on_files
def test_what_stands_for_a_file_in_a_target_says_nothing_without_the_secret_of_the_rule(
    home: House, tmp_path: Path
) -> None:
    rules = {"": {**ANONYMIZE, "To": "research"}}
    (tmp_path / "other").mkdir()
    with house("folder", tmp_path / "other") as other:
        found = []
        for one in (home, other):
            take(one.door(rules), one.place.bring("1", make_dicom()))
            [key] = one.targets["research"].store.keys(one.targets["research"].prefix)
            found.append(key.rpartition("-")[2])
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"nothing", b"PK", make_dicom()[:-3], make_dicom()[:200], make_dicom(StudyInstanceUID="")],
    ids=["empty", "text", "two bytes", "cut off", "header", "no study"],
)
@pytest.mark.parametrize("rules", [{}, {"": ANONYMIZE}], ids=["as it is", "anonymized"])
@on_files
def test_what_is_no_sound_dicom_is_set_aside_with_a_reason(
    home: House, content: bytes, rules: dict[str, object]
) -> None:
    taken = take(home.door(rules), home.place.bring("Doe^Jane/secret.dcm", content))
    assert isinstance(taken, Rejected)
    assert home.rejected() == [content]
    [reason] = home.reasons()
    told = json.loads(reason)
    assert (told["OrthancStatus"], told["Details"]) == (taken.code, taken.details)
    assert told["Size"] == len(content)
    assert home.place.waiting() == 0
    assert home.instances == 0


@on_files
def test_what_a_rule_cannot_change_is_set_aside_and_never_stored(home: House) -> None:
    # The character set of the file has no such letter.
    rules = {"": {"Modify": {"Replace": {"StudyDescription": "Ω"}}}}
    content = make_dicom(SpecificCharacterSet="ISO_IR 100", PatientComments="ä")
    taken = take(home.door(rules, UnencodableText="Error"), home.place.bring("1", content))
    assert isinstance(taken, Rejected)
    assert home.rejected() == [content]
    assert home.keys("instances/") == []


@on_files
def test_names_are_found_in_no_key_and_in_no_reason(home: House) -> None:
    name = "Doe^Jane_19700101"
    door = home.door({"a/": ANONYMIZE})
    for number, content in enumerate((b"nothing", make_dicom(instance=1), make_dicom(instance=2)[:-1])):
        for folder in ("a", "b"):
            take(door, home.place.bring(f"{folder}/{name}{number}", content))
    written = " ".join(home.keys("")) + b" ".join(home.reasons()).decode()
    assert name not in written
    assert "Doe" not in written


def test_taking_a_file_twice_takes_it_once(home: House) -> None:
    for rules in ({}, {"": ANONYMIZE}):
        arrived = home.place.bring("1", make_dicom())
        assert not isinstance(take(home.door(rules), arrived), Gone)
        assert take(home.door(rules), arrived) == Gone()
    assert home.instances == 2


@on_files
def test_a_file_that_arrives_again_is_stored_once(home: House) -> None:
    for _ in range(2):
        take(home.door(), home.place.bring("1", make_dicom()))
        take(home.door({"": ANONYMIZE}), home.place.bring("1", make_dicom()))
    assert home.instances == 2
    assert home.rejected() == []
    assert home.place.waiting() == 0


@on_files
def test_a_large_product_that_is_not_taken_leaves_the_file_to_be_set_aside(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.services.arrival.rule_editor._IN_MEMORY", 0)
    door = home.door({"": {"Anonymize": {"Keep": ["StudyDescription"]}}})
    assert isinstance(take(door, home.place.bring("1", make_dicom())), Produced)
    other = make_dicom(StudyDescription="Another")
    assert isinstance(take(door, home.place.bring("1", other)), Rejected)
    assert home.rejected() == [other]


def test_another_file_under_the_same_identifiers_is_set_aside_and_not_lost(home: House) -> None:
    other = make_dicom(PatientName="Roe^Richard")
    take(home.door(), home.place.bring("1", make_dicom()))
    assert isinstance(take(home.door(), home.place.bring("1", other)), Rejected)
    assert home.files() == [make_dicom()]
    assert home.rejected() == [other]


@on_files
def test_another_file_replaces_the_stored_one_where_the_settings_say_so(home: House) -> None:
    other = make_dicom(PatientName="Roe^Richard")
    door = home.door(OverwriteInstances="Always")
    for content in (make_dicom(), other):
        assert isinstance(take(door, home.place.bring("1", content)), Stored)
    assert home.files() == [other]


def test_versions_under_one_name_may_be_taken_in_any_order(home: House) -> None:
    first, second = (home.place.bring("1", make_dicom(instance=number)) for number in (1, 2))
    take(home.door(), second)
    assert home.place.waiting() == 1
    take(home.door(), first)
    assert home.place.waiting() == 0
    assert home.instances == 2
