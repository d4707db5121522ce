"""Studies of images of which some are refused and some flagged."""

from __future__ import annotations

from typing import Any

from dicomorph.jobs.model import Job
from dicomorph.model.resources import Level
from dicomorph.services.store.store_instance import store_instance
from tests.support.risky_images import CT, SLIDE, US, Image, burned_in, image_type, label_in_image
from tests.workflows.embedded import Server

NEWEST: dict[str, Any] = {"DicomVersion": "2026d"}
PLAIN = Image(CT, [burned_in("NO")])
ULTRASOUND, CLEAN = Image(US), Image(US, [burned_in("NO")])
LABEL = Image(SLIDE, [image_type("ORIGINAL\\PRIMARY\\LABEL\\NONE")])
SHOWN = Image(CT, [label_in_image("YES")])
MIXED = (PLAIN, ULTRASOUND, LABEL, CLEAN, SHOWN)
FLAGS = {"Ultrasound": 1, "DeclaredCleanBySource": 1}
REFUSED = {"SlideLabel": 1, "SpecimenLabelInImage": 1}


def stored(server: Server, *images: Image, patient: int = 1) -> tuple[str, list[str]]:
    """Store images in one series; return the ids of the study and of the instances."""
    answers = [
        store_instance(server.backend, image.file(patient=patient, instance=number), remote_ip="")
        for number, image in enumerate(images, 1)
    ]
    return str(answers[0]["ParentStudy"]), [str(answer["ID"]) for answer in answers]


def in_store(server: Server) -> set[str]:
    """Return the ids of all instances."""
    return {pin.ancestry.instance for pin in server.pins()}


def check_index(server: Server) -> None:
    """Check that each resource has children, each file its entry, and the counts are right."""
    catalogue = server.backend.index.catalogue
    pins = server.pins()
    for level in (Level.PATIENT, Level.STUDY, Level.SERIES):
        ids = set(catalogue.ids(level))
        assert ids == {pin.ancestry.at(level) for pin in pins}
    statistics = catalogue.statistics()
    assert statistics.instances == len(pins)
    assert statistics.patients == len({pin.ancestry.patient for pin in pins})
    assert server.backend.objects.are_stored([pin.object for pin in pins])


def submitted(server: Server) -> tuple[Job, list[str]]:
    """Submit a job over a plain image, a label and ultrasound, which deletes sources."""
    study, sources = stored(server, PLAIN, LABEL, ULTRASOUND)
    return server.submit(study, anonymize=True, body={**NEWEST, "KeepSource": False}), sources
