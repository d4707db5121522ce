"""What the products of a job say of themselves and of their parents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.stream.source import Source
from dicomorph.model.resources import Level, ObjectRef
from dicomorph.ports.objects import ObjectStore
from tests.support.jobs import IN_PLACE, counts
from tests.workflows.embedded import Server, serve
from tests.workflows.five_instances import study
from tests.workflows.scenarios import SCENARIOS, upload, work


def metadata(server: Server, level: Level, resource_id: str) -> dict[str, str]:
    resource = server.backend.index.catalogue.get(level, resource_id)
    assert resource is not None
    return {name: value.value for name, value in resource.metadata.items()}


def test_products_say_where_they_come_from(server: Server) -> None:
    source = server.upload()
    job = server.run(source["ParentStudy"])
    study = str(job.content["ID"])
    [pin] = server.backend.index.catalogue.pins(Level.STUDY, study)
    instance = metadata(server, Level.INSTANCE, pin.ancestry.instance)
    assert instance["ModifiedFrom"] == source["ID"]
    assert (instance["Origin"], instance["RemoteIP"], instance["HttpUsername"]) == (
        "RestApi",
        "192.0.2.7",
        "alice",
    )
    assert instance["RemoteAET"] == ""
    assert instance["ReceptionDate"] == job.created[:19].replace("-", "").replace(":", "")
    series = metadata(server, Level.SERIES, pin.ancestry.series)
    assert (series["ModifiedFrom"], series["RemoteAET"]) == (source["ParentSeries"], "")
    assert metadata(server, Level.STUDY, study)["ModifiedFrom"] == source["ParentStudy"]
    # The patient is the same: it was not made from anything.
    assert "ModifiedFrom" not in metadata(server, Level.PATIENT, pin.ancestry.patient)


def test_anonymized_products_have_a_new_patient(server: Server) -> None:
    source = server.upload()
    job = server.run(source["ParentSeries"], level=Level.SERIES, anonymize=True)
    assert (job.content["Type"], job.content["Path"]) == ("Series", f"/series/{job.content['ID']}")
    patient = str(job.content["PatientID"])
    assert metadata(server, Level.PATIENT, patient)["AnonymizedFrom"] == source["ParentPatient"]


def test_the_level_of_the_route_need_not_be_that_of_the_resource(server: Server) -> None:
    source = server.upload()
    server.upload(number=2)
    job = server.run(source["ID"], level=Level.STUDY)
    assert counts(job) == (1, 0)
    assert job.content["Resources"] == [{"ID": source["ID"], "Type": "Instance"}]
    assert job.content["Type"] == "Study"


@pytest.mark.parametrize("edition", ["", "2023b", "2026d"])
def test_new_uids_are_those_that_the_key_of_the_job_gives_whatever_the_place_in_a_batch(
    server: Server, edition: str
) -> None:
    source = study(server)
    originals = {str(server.read(pin).SOPInstanceUID) for pin in server.pins()}
    job = server.run(source, anonymize=bool(edition), body={"DicomVersion": edition})
    made = server.backend.index.catalogue.pins(Level.STUDY, str(job.content["ID"]))
    mapper = IdentityMapper(job.key, one_namespace=edition == "2026d")
    assert {str(server.read(pin).SOPInstanceUID) for pin in made} == {
        mapper.uid(Namespace.INSTANCE, one) for one in originals
    }


def test_labels_are_kept_if_asked_for(server: Server) -> None:
    source = server.upload()
    index = server.backend.index
    index.annotations.set_labels(
        Level.STUDY, source["ParentStudy"], add=frozenset({"study"}), remove=frozenset()
    )
    index.annotations.set_labels(
        Level.INSTANCE, source["ID"], add=frozenset({"instance"}), remove=frozenset()
    )
    for keep in (False, True):
        job = server.run(source["ParentStudy"], body={"KeepLabels": keep})
        study = index.catalogue.get(Level.STUDY, str(job.content["ID"]))
        [pin] = index.catalogue.pins(Level.STUDY, str(job.content["ID"]))
        instance = index.catalogue.get(Level.INSTANCE, pin.ancestry.instance)
        assert study is not None
        assert instance is not None
        assert study.labels == (frozenset({"study"}) if keep else frozenset())
        assert instance.labels == (frozenset({"instance"}) if keep else frozenset())


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES, Level.INSTANCE])
def test_what_is_edited_in_place_keeps_what_clients_wrote_and_nothing_else(
    overwriting: Server, level: Level
) -> None:
    source = overwriting.upload()
    index = overwriting.backend.index
    index.annotations.set_metadata(Level.INSTANCE, source["ID"], "Mine", "kept", expected=None)
    before = metadata(overwriting, Level.INSTANCE, source["ID"])
    resource = source["ID"] if level is Level.INSTANCE else source[f"Parent{level.value}"]
    body = {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    assert counts(overwriting.run(resource, level=level, body=body)) == (1, 0)
    apart = overwriting.run(resource, level=level, body={"Replace": {"StudyDescription": "New"}})
    [pin] = index.catalogue.pins(level, str(apart.content["ID"]))
    fresh = metadata(overwriting, Level.INSTANCE, pin.ancestry.instance)
    found = metadata(overwriting, Level.INSTANCE, source["ID"])
    assert (before["RemoteIP"], found["RemoteIP"]) == ("", fresh["RemoteIP"])
    del fresh["ReceptionDate"], found["ReceptionDate"]
    assert found == {**fresh, "Mine": "kept"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_all_files_that_a_job_has_opened_are_closed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.embedded.objects.stored_files._MAPPED_FROM", 0)
    server = serve(tmp_path / "data", overwrite_instances=SCENARIOS[name].overwrite)
    objects = Opening(server.backend.objects)
    job = SCENARIOS[name].submit(server, upload(server))
    work(Server(replace(server.backend, objects=cast("ObjectStore", objects))), job)
    assert server.job(job.id).content["InstancesCount"] == SCENARIOS[name].products
    assert len(objects.opened) >= SCENARIOS[name].products
    for source in objects.opened:
        with pytest.raises(ValueError, match="closed"):
            source.read(0, 1)


class Opening:
    """A store that knows which of its files were opened."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self.opened: list[Source] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    def open(self, ref: ObjectRef) -> Source:
        self.opened.append(self._objects.open(ref))
        return self.opened[-1]


def test_main_tags_of_parents_that_exist_follow(server: Server) -> None:
    source = server.upload()
    assert server.run(source["ParentStudy"], body={"Replace": {"PatientName": "New^Name"}}).error_code == 0
    patient = server.backend.index.catalogue.get(Level.PATIENT, source["ParentPatient"])
    assert patient is not None
    assert patient.main_tags["0010,0010"] == "New^Name"
