"""A server without HTTP: the handlers of the API on files and SQLite, called with proxy events."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from dicomorph.http.reading.addresses import normalize_path
from dicomorph.http.reading.requests import effective_method
from dicomorph.http.routes import ROUTES
from dicomorph.jobs.model import Job
from dicomorph.services.backend import Backend
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from local.functions import Context, load_module
from tests.support.described_answers import check_arguments, check_described
from tests.support.idle_runner import IdleRunner

FUNCTIONS = Path(__file__).parents[2] / "functions"
CT = "1.2.840.10008.5.1.4.1.1.2"


def make_dicom(
    patient: str = "PAT", study: int = 1, series: int = 1, instance: int = 1, **values: object
) -> bytes:
    """Return a small file; the UIDs follow from the numbers, the keywords are further attributes."""
    data = Dataset()
    data.PatientID = patient
    data.PatientName = "Doe^Jane"
    data.StudyInstanceUID = f"1.2.3.{study}"
    data.SeriesInstanceUID = f"1.2.3.{study}.{series}"
    data.SOPInstanceUID = f"1.2.3.{study}.{series}.{instance}"
    data.SOPClassUID = CT
    data.Modality = "CT"
    data.InstanceNumber = str(instance)
    for keyword, value in values.items():
        setattr(data, keyword, value)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = UID(CT)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@dataclass(frozen=True)
class Answer:
    """What a client sees."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, int]:
        """The status and Orthanc's code, checked for consistency."""
        body = self.json
        assert body["HttpStatus"] == self.status
        assert self.headers["content-type"] == "text/plain"
        return self.status, body["OrthancStatus"]


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Client:
    """Calls handlers as API Gateway does, and holds each answer against docs/openapi.json.

    So it does with the arguments behind the question mark, unless it `takes_any_argument`.
    """

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.backend = backend
        self.takes_any_argument = False
        self.folder = folder
        self._modules: dict[str, Any] = {}

    def call(
        self,
        method: str,
        path: str,
        body: bytes | str | Mapping[str, Any] = b"",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **event: Any,
    ) -> Answer:
        data = (
            body
            if isinstance(body, bytes)
            else body.encode()
            if isinstance(body, str)
            else json.dumps(body).encode()
        )
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        arguments = {name: [value] for name, value in (query or {}).items()}
        effective = effective_method(method, lowered, arguments)
        name, resource = _route(effective, normalize_path(path))
        answer = self.send(
            name,
            {
                "resource": resource,
                "path": path,
                "httpMethod": method,
                "headers": dict(headers or {}),
                "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()},
                "queryStringParameters": dict(query) if query else None,
                "multiValueQueryStringParameters": arguments or None,
                "pathParameters": None,
                "requestContext": {"identity": {"sourceIp": "192.0.2.1"}, "stage": "v1", "path": path},
                "body": base64.b64encode(data).decode() if data else None,
                "isBase64Encoded": bool(data),
                **event,
            },
        )
        if name != "unmatched":
            describes_errors = self.backend.settings.http_describe_errors
            check_described(effective, resource, answer, describes_errors=describes_errors)
            if answer.status == 200 and not self.takes_any_argument:
                check_arguments(effective, resource, arguments)
        return answer

    def send(self, function: str, event: dict[str, Any]) -> Answer:
        answer = self.module(function).lambda_handler(event, Context())
        headers = {name.lower(): values[0] for name, values in answer["multiValueHeaders"].items()}
        body = answer["body"] or ""
        data = base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()
        return Answer(answer["statusCode"], headers, data)

    def module(self, function: str) -> Any:
        if function not in self._modules:
            self._modules[function] = load_module(FUNCTIONS / function / "app.py")
        return self._modules[function]

    def get(self, path: str, **options: Any) -> Answer:
        return self.call("GET", path, **options)

    def post(self, path: str, body: bytes | str | Mapping[str, Any] = b"", **options: Any) -> Answer:
        return self.call("POST", path, body, **options)

    def put(self, path: str, body: bytes | str = b"", **options: Any) -> Answer:
        return self.call("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.call("DELETE", path, **options)

    def upload(self, *identity: Any, **values: Any) -> dict[str, Any]:
        answer = self.post("/instances", make_dicom(*identity, **values))
        assert answer.status == 200
        found: dict[str, Any] = answer.json
        return found

    def stored_files(self) -> set[str]:
        """The keys of all stored instances and results."""
        return {*self.backend.objects.keys("instances/"), *self.backend.objects.keys("results/")}


def _route(method: str, path: str) -> tuple[str, str]:
    asked = path.split("/")
    for route, methods in ROUTES.items():
        parts = route.split("/")
        if len(parts) == len(asked) and all(
            p == a or p[:1] == "{" for p, a in zip(parts, asked, strict=True)
        ):
            return methods.get(method, "unmatched"), route
    return "unmatched", "/{proxy+}"


class InlineRunner(IdleRunner):
    """Runs a job's workflow to its end within the call that starts it, unless told to hold it back."""

    def __init__(self) -> None:
        super().__init__()
        self.backend: Backend | None = None
        self.is_holding = False

    def start(self, job: Job) -> None:
        if self.is_holding:
            return
        assert self.backend is not None
        for number in range(plan_job(self.backend, job.id, job.execution)):
            edit_batch(self.backend, job.id, number)
        finalize_job(self.backend, job.id, job.execution)
