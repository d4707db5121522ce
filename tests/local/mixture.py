"""Clients that upload, overwrite, delete and run jobs at once, and what must be there if the server ends."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import count
from typing import Any

from dicomorph.dicom.standard.transfer_syntaxes import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN
from dicomorph.model.identifiers import orthanc_id
from tests.local.conftest import Server
from tests.local.pictures import Picture, digest, pictures, strays, wait_for_jobs
from tests.support.api_client import make_dicom

SETTINGS = {"OverwriteInstances": "Always", "JobsHistorySize": 1000}
LARGE = (
    300_000,
    1_200_000,
)  # bytes, which pass beside the event of a request, or come as a file that is linked
KEPT_CASES = 20
PRODUCT = {"Replace": {"StudyDescription": "product"}}
JOBS: list[tuple[str, dict[str, Any]]] = [
    ("modify", PRODUCT),
    ("modify", {**PRODUCT, "KeepSource": False}),
    ("modify", {**PRODUCT, "KeepSource": False, "Transcode": DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN}),
    ("anonymize", {**PRODUCT, "KeepSource": False, "Keep": ["PatientID"], "Force": True}),
]
OFTEN, SELDOM = 0.5, 0.1


@dataclass
class Case:
    """A patient of one client, with the pictures that may be found, since its beginning."""

    patient: str
    may_be: list[set[Picture]] = field(default_factory=lambda: [{Picture()}])
    is_worked_on: bool = False

    @property
    def series(self) -> str:
        """The UID of its one series."""
        return f"1.2.3.{self.patient[1:]}.1"

    def path(self, level: str, uid: str = "") -> str:
        """Return where the server has a resource of the sources."""
        values = (self.patient, self.series.removesuffix(".1"), self.series, uid)
        depth = ("patients", "studies", "series", "instances").index(level) + 1
        return f"/{level}/{orthanc_id(*values[:depth])}"

    @property
    def now(self) -> Picture:
        (picture,) = self.may_be[-1]
        return picture

    def asks_for(self, picture: Picture) -> None:
        """From here on the old picture or the new one is right."""
        self.may_be.append({*self.may_be[-1], picture})

    def was_answered(self, picture: Picture) -> None:
        self.may_be.append({picture})


class Mixture:
    """Clients of one server, and the cases that they have begun."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.cases: dict[str, Case] = {}
        self.erased: set[str] = set()
        self.answers = 0
        self._draw = random.Random(seed)  # noqa: S311 - which deeds, not secrets
        self._numbers = count(1)
        self._clients: list[threading.Thread] = []
        self._is_over = threading.Event()

    def begin(self, clients: int = 3) -> None:
        self._is_over.clear()
        turns: list[list[Case]] = [[] for _ in range(clients)]
        for place, case in enumerate(self.cases.values()):
            turns[place % clients].append(case)
        self._clients = [threading.Thread(target=self._work, args=(mine,)) for mine in turns]
        for client in self._clients:
            client.start()

    def end(self) -> None:
        """Wait for clients whose server is gone."""
        self._is_over.set()
        for client in self._clients:
            client.join()

    def moment(self) -> dict[str, int]:
        """Return how many pictures each case has by now."""
        return {patient: len(case.may_be) for patient, case in self.cases.copy().items()}

    def check(self, before: dict[str, int] | None = None, after: dict[str, int] | None = None) -> None:
        """Find each case as it may be, at a moment between two, or else in the end; go on from there."""
        wait_for_jobs(self.server)
        found = pictures(self.server)
        for patient, case in self.cases.items():
            start = (before or {}).get(patient, 1 if before is not None else len(case.may_be)) - 1
            end = (after or {}).get(patient, 1 if after is not None else len(case.may_be))
            right = set[Picture]().union(*case.may_be[start:end])
            picture = found.pop(patient, Picture())
            assert picture in right, (patient, picture, right)
            past = (one for certain in case.may_be[: start + 1] if len(certain) == 1 for one in certain)
            self.erased |= {content for one in past for _, content in one.files - picture.files}
            case.may_be, case.is_worked_on = [{picture}], False
        assert not found, "nobody sent these"
        self._look_at_files()
        self.cases = {name: case for name, case in self.cases.items() if case.now != Picture()}

    def thin_out(self) -> None:
        """Delete all but some cases."""
        for case in list(self.cases.values())[KEPT_CASES:]:
            self._delete_patient(case)

    def _look_at_files(self) -> None:
        data = self.server.data
        assert strays(data) == (set(), set())
        for path in data.rglob("*"):
            if path.is_file() and not path.is_relative_to(data / "objects/instances"):
                content = path.read_bytes()
                if content[128:132] == b"DICM":
                    assert path.is_relative_to(data / "orphans"), path
                    assert digest(content) not in self.erased, path

    # What a client does

    def _work(self, mine: list[Case]) -> None:
        with suppress(OSError, HTTPException):  # the server is gone
            while not self._is_over.is_set():
                free = [case for case in mine if not case.is_worked_on]
                if len(free) < 2:
                    mine.append(self._new_case())
                    continue
                deed = self._draw.choice(
                    [self._store, self._overwrite, self._delete, self._delete, self._run]
                )
                deed(self._draw.choice(free))

    def _new_case(self) -> Case:
        number = next(self._numbers)
        case = Case(f"P{number}")
        self.cases[case.patient] = case
        for _ in range(self._draw.randint(1, 4)):
            self._store(case)
        return case

    def _store(self, case: Case) -> None:
        number = next(self._numbers)
        self._send(case, f"{case.series}.{number}")

    def _overwrite(self, case: Case) -> None:
        if case.now.files:
            self._send(case, self._draw.choice(sorted(case.now.files))[0])

    def _send(self, case: Case, uid: str) -> None:
        study, instance = int(case.patient[1:]), int(uid.rpartition(".")[2])
        is_large = self._draw.random() < SELDOM
        pixels = {"BitsAllocated": 8, "PixelData": bytes(self._draw.choice(LARGE))} if is_large else {}
        content = make_dicom(
            case.patient, study, 1, instance, StudyDescription="source",
            ImageComments=f"version {next(self._numbers)}", **pixels,
        )  # fmt: skip
        picture = case.now.stored(uid, content)
        case.asks_for(picture)
        stored = self._answered("POST", "/instances", content)
        assert stored["Status"] == "Success", stored
        assert stored["Path"] == case.path("instances", uid)
        case.was_answered(picture)

    def _delete(self, case: Case) -> None:
        if case.now.products or not case.now.files:
            self._delete_patient(case)
        elif self._draw.random() < OFTEN:
            uid, _ = self._draw.choice(sorted(case.now.files))
            self._erase(case, case.path("instances", uid), case.now.without(uid))
        else:
            level = self._draw.choice(["patients", "studies", "series"])
            self._erase(case, case.path(level), Picture())

    def _delete_patient(self, case: Case) -> None:
        if case.now != Picture():
            self._erase(case, case.path("patients"), Picture())

    def _erase(self, case: Case, path: str, picture: Picture) -> None:
        case.asks_for(picture)
        self._answered("DELETE", path)
        case.was_answered(picture)

    def _run(self, case: Case) -> None:
        """Start a job; its end is waited for when the server is there again."""
        if not case.now.files or case.now.products:
            return
        kind, request = self._draw.choice(JOBS)
        files = case.now.files
        picture = Picture(files if request.get("KeepSource", True) else frozenset(), len(files))
        case.asks_for(picture)
        case.is_worked_on = True
        body = {**request, "Synchronous": self._draw.random() < OFTEN}
        answer = self.server.post(f"{case.path('studies')}/{kind}", body)
        assert answer.status == 200, answer
        self.answers += 1
        case.was_answered(picture)

    def _answered(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        answer = self.server.call(method, path, body)
        assert answer.status == 200, (method, answer)
        self.answers += 1
        return dict(answer.json)
