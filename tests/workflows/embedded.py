"""The steps of a job called one by one, on files and SQLite."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pydicom

from dicomorph.embedded.backend import embedded_backend
from dicomorph.embedded.tidying import Tidying
from dicomorph.jobs.model import Job
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.resources import Level, Pin
from dicomorph.model.settings import Settings
from dicomorph.services.backend import Backend
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.submit.modification import submit_modification
from dicomorph.services.submit.start_job import Caller
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.api_client import make_dicom
from tests.support.idle_runner import IdleRunner

CALLER = Caller(remote_ip="192.0.2.7", username="alice")


@dataclass
class Server:
    """A backend, and short words for what tests do with it."""

    backend: Backend

    def upload(
        self, number: int = 1, *, study: int = 1, series: int = 1, patient: str = "PAT", **values: Any
    ) -> dict[str, Any]:
        """Store one instance of a study and return Orthanc's answer."""
        file = make_dicom(patient, study, series, number, **values)
        return dict(store_instance(self.backend, file, remote_ip=""))

    def submit(
        self,
        resource: str,
        *,
        body: Mapping[str, Any] | None = None,
        level: Level = Level.STUDY,
        anonymize: bool = False,
    ) -> Job:
        """Submit a job, which is modification unless said otherwise."""
        return submit_modification(
            self.backend,
            dict(body or {}),
            level=level,
            resource_id=resource,
            is_anonymization=anonymize,
            caller=CALLER,
        )

    def finish(self, job: Job) -> Job:
        """Run all steps of a job."""
        execution = self.job(job.id).execution
        for number in range(plan_job(self.backend, job.id, execution)):
            edit_batch(self.backend, job.id, number)
        finalize_job(self.backend, job.id, execution)
        return self.job(job.id)

    def run(self, resource: str, **request: Any) -> Job:
        """Submit a job and run all its steps."""
        return self.finish(self.submit(resource, **request))

    def job(self, job_id: str) -> Job:
        """Return a record that exists."""
        job = self.backend.jobs.get(job_id)
        assert job is not None
        return job

    def pins(self) -> list[Pin]:
        """Return everything that is stored."""
        patients = self.backend.index.catalogue.ids(Level.PATIENT)
        return [
            pin for patient in patients for pin in self.backend.index.catalogue.pins(Level.PATIENT, patient)
        ]

    def read(self, pin: Pin) -> pydicom.Dataset:
        """Return a stored file."""
        source = self.backend.objects.open(pin.object)
        try:
            return pydicom.dcmread(io.BytesIO(source.read(0, source.size)))
        finally:
            source.close()

    def files(self) -> list[str]:
        """Return the keys of all stored instances."""
        return sorted(self.backend.objects.keys("instances/"))


def tidy(server: Server, folder: Path) -> int:
    """Do what a start does to the files of a folder; return how many were moved to ``orphans/``."""
    tidying = Tidying(server.backend, folder)
    tidying.erase_what_is_due()
    return tidying.move_orphans(before=time.time() + 60)


def files_of(folder: Path) -> set[str]:
    """Return all files of instances in a data folder, from it on, wherever they lie."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*.dcm")}


def serve(folder: Path, *, limits: PlannerLimits | None = None, **settings: Any) -> Server:
    """Open a server on a folder; batches have two instances, and uploads need not survive a power cut."""
    folder.mkdir(exist_ok=True)
    found = Settings(**{"sync_storage_area": False, **settings})
    backend = embedded_backend(folder, found, epoch=None, runner=IdleRunner())
    small = PlannerLimits(batch_instances=2, small_job_instances=0)
    return Server(replace(backend, planner_limits=limits or small))
