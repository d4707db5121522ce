"""What the products of a job say of themselves and of their parents."""

from __future__ import annotations

from dicomorph.model.resources import Level
from tests.support.jobs import counts
from tests.workflows.embedded import Server


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


def test_main_tags_of_parents_that_exist_follow(server: Server) -> None:
    source = server.upload()
    assert server.run(source["ParentStudy"], body={"Replace": {"PatientName": "New^Name"}}).error_code == 0
    patient = server.backend.index.catalogue.get(Level.PATIENT, source["ParentPatient"])
    assert patient is not None
    assert patient.main_tags["0010,0010"] == "New^Name"
