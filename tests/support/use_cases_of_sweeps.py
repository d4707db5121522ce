"""What the sweep meets, in every way that leads to other calls of AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dicomorph.services.sweeping import sweeper
from local.functions import Context
from tests.support.idle_runner import IdleRunner
from tests.support.job_tasks import submit, tasks
from tests.support.recorded_stack import RecordedStack
from tests.support.use_cases import patient


def sweep(cloud: RecordedStack) -> None:
    """Files and documents that are nobody's, beside a job that has pinned others."""
    stored = cloud.upload(patient())
    stray, document = (
        f"instances/ab/{'ab' * 20}/0.dcm",
        f"jobs/{'0' * 8}-{'-'.join(['0' * 4] * 3)}-{'0' * 12}/a",
    )
    for key in (stray, document):
        cloud.backend.objects.put(key, b"x")
    with cloud.changed(runner=IdleRunner()):
        job = submit(cloud, stored)
        cloud.invoke(*tasks(job)[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeper, "_FOLDERS", ("ab", stored["ID"][:2]))
        for days in (4, 8):
            with cloud.changed(now=lambda days=days: datetime.now(UTC) + timedelta(days=days)):
                cloud.invoke("sweep", {}, Context())
    assert [key for key in (stray, document) if cloud.backend.objects.get(key) is not None] == []
    assert cloud.get(f"{stored['Path']}/file").status == 200


USE_CASES_OF_SWEEPS = (sweep,)
