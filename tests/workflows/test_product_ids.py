"""The identifiers of products, worked out before there are any, are those of the files that are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.deid.compilation import compile_plan
from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.model import Batch, Job, JobState, JobType
from dicomorph.model.errors import BadRequestError, DicomorphError, TransientError
from dicomorph.model.identifiers import orthanc_id
from dicomorph.model.resources import Level
from dicomorph.services.backend import Backend
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.submit.modification import submit_bulk_modification
from dicomorph.services.work.product import PlannedProduct, ProductMaker, modification_of
from dicomorph.services.work.product_ids import check_products, product_ids
from tests.support.jobs import JOB
from tests.support.small_files import INSTANCE, PATIENT_ID, SERIES, STUDY
from tests.workflows.embedded import CALLER, Server, serve
from tests.workflows.identified_files import DATA_URI, ODD_UIDS, UIDS, Asked, files, identified_file, requests
from tests.workflows.meddling import before_nth, failing


class Planned(NamedTuple):
    """A job whose sources are stored and pinned, and nothing made of them."""

    backend: Backend
    job: Job
    request: JobRequest
    batch: Batch

    def products(self) -> list[str | None]:
        """Make the products; return what each is called in the index, None where there can be none."""
        maker = ProductMaker(self.backend, self.job, self.request)
        return [self._product(maker, index) for index in range(len(self.batch.pins))]

    def _product(self, maker: ProductMaker, index: int) -> str | None:
        position = PlannedProduct(0, index, self.batch.copies.get(index, 0))
        with suppress(DicomorphError):
            return maker.make(self.batch.pins[index], position).ancestry.instance
        return None


@contextmanager
def planned(uploads: list[bytes], asked: Asked, copies: list[int], **job: Any) -> Iterator[Planned]:
    """Store files, and ask for a job on all that were accepted."""
    with TemporaryDirectory() as folder:
        backend = serve(Path(folder) / "data").backend
        stored = set()
        for upload in uploads:
            with suppress(DicomorphError):  # its character set has nothing of a UID
                stored.add(str(store_instance(backend, upload, remote_ip="")["ID"]))
        pins = tuple(backend.index.catalogue.pins_of(sorted(stored)))
        told: dict[str, Any] = {name: getattr(asked, name) for name in ("type", "is_anonymization", "level")}
        request = JobRequest(body=asked.body, sources=(), changes=asked.changes)
        batch = Batch(0, pins, {index: copy for index, copy in enumerate(copies[: len(pins)]) if copy})
        yield Planned(backend, replace(JOB, name="Anonymized1", **told, **job), request, batch)


def known_before(case: Planned) -> list[set[str]]:
    """Return what the products are known to be called, before they are made."""
    backend, job, request, batch = case
    modification = modification_of(backend, job, request)
    plan = compile_plan(modification, name=job.name, settings=backend.settings)
    return list(product_ids(backend, job, plan, [batch]))


def check_known(uploads: list[bytes], asked: Asked, copies: list[int]) -> None:
    with planned(uploads, asked, copies) as case:
        for pin, ids, product in zip(case.batch.pins, known_before(case), case.products(), strict=True):
            assert product is None or product in ids
            # Whether a PatientID is empty or absent, the index does not know.
            is_vague = asked.is_anonymization and pin.ancestry.patient == orthanc_id("")
            assert len(ids) <= (2 if is_vague else 1)


def check_apart(uploads: list[bytes], asked: Asked, keep_source: bool) -> None:  # noqa: FBT001
    """Check that what is not refused makes a product of each source, and replaces none that goes."""
    with planned(uploads, asked, [], keep_source=keep_source) as case:
        sources = {pin.ancestry.instance for pin in case.batch.pins}
        patients = {pin.ancestry.patient for pin in case.batch.pins}
        with suppress(BadRequestError):
            check_products(case.backend, case.job, case.request, [case.batch], patients)
            products = [product for product in case.products() if product is not None]
            assert len(products) == len(set(products))
            assert keep_source or sources.isdisjoint(products)


COPIES = st.lists(st.integers(0, 2), min_size=3, max_size=3)
ANY = (st.lists(files(ODD_UIDS), min_size=1, max_size=3), requests(), COPIES)
PLAIN = (st.lists(files(UIDS), min_size=2, max_size=3), requests(), st.booleans())


@given(*ANY)
def test_the_ids_of_products_are_known_before(uploads: list[bytes], asked: Asked, copies: list[int]) -> None:
    check_known(uploads, asked, copies)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(*ANY)
def test_the_ids_of_many_products_are_known_before(
    uploads: list[bytes], asked: Asked, copies: list[int]
) -> None:
    check_known(uploads, asked, copies)


@given(*PLAIN)
def test_products_take_the_place_of_none(
    uploads: list[bytes],
    asked: Asked,
    keep_source: bool,  # noqa: FBT001
) -> None:
    check_apart(uploads, asked, keep_source)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(*PLAIN)
def test_many_products_take_the_place_of_none(
    uploads: list[bytes],
    asked: Asked,
    keep_source: bool,  # noqa: FBT001
) -> None:
    check_apart(uploads, asked, keep_source)


PLAIN_IDS = {INSTANCE: "1.2.3.4", STUDY: "1.2", SERIES: "1.2.3", PATIENT_ID: "P"}
KEEP_ALL = {"Keep": ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]}


@pytest.mark.parametrize(
    ("originals", "charset", "body"),
    [
        ({PATIENT_ID: ""}, "", {"Keep": ["StudyInstanceUID"]}),
        ({PATIENT_ID: None}, "", {"Keep": ["StudyInstanceUID"]}),  # it is given none (spec 8, G4)
        ({SERIES: "1.2\\1.3"}, "", {"Keep": ["StudyInstanceUID"]}),  # each UID for itself
        ({PATIENT_ID: ""}, "", {"Keep": ["StudyInstanceUID"], "DicomVersion": "2026d"}),
        ({PATIENT_ID: None}, "", {"Keep": ["StudyInstanceUID"], "DicomVersion": "2026d"}),  # it is given one
        ({SERIES: "1.2"}, "", {"Replace": {"StudyInstanceUID": "1.9"}, "DicomVersion": "2026d"}),
        ({INSTANCE: "1.2.Ä"}, "ISO_IR 192", {"Keep": ["StudyInstanceUID"]}),
        ({PATIENT_ID: "Жук"}, "ISO_IR 144", {**KEEP_ALL, "Replace": {"SpecificCharacterSet": "ISO_IR 100"}}),
        ({PATIENT_ID: "Ä"}, "ISO_IR 192", {**KEEP_ALL, "Remove": ["SpecificCharacterSet"]}),
        ({}, "", {"Replace": {"PatientID": DATA_URI}}),
        ({}, "", {"Replace": {"SOPInstanceUID": DATA_URI}}),
    ],
)
def test_what_the_index_does_not_tell_is_known(
    originals: dict[int, str | None], charset: str, body: dict[str, Any]
) -> None:
    texts = {tag: text for tag, text in {**PLAIN_IDS, **originals}.items() if text is not None}
    asked = Asked(JobType.RESOURCE_MODIFICATION, True, Level.STUDY, {**body, "Force": True})  # noqa: FBT003
    check_known([identified_file(texts, charset=charset)], asked, [len(texts) % 2])


@pytest.mark.parametrize(
    ("patients", "is_anonymization", "body"),
    [
        ((" P", "P"), True, {}),
        (("Ä", "Ö"), False, {"Replace": {"SpecificCharacterSet": "ISO_IR 6"}}),  # which has neither
    ],
)
def test_patients_that_would_become_one_are_found_though_nobody_named_them(
    patients: tuple[str, str],
    is_anonymization: bool,  # noqa: FBT001
    body: dict[str, Any],
) -> None:
    uploads = [identified_file({**PLAIN_IDS, PATIENT_ID: name}, charset="ISO_IR 192") for name in patients]
    asked = Asked(JobType.RESOURCE_MODIFICATION, is_anonymization, Level.INSTANCE, body)
    with planned(uploads, asked, []) as case:
        first, second = case.products()
        assert first == second
        pinned = {pin.ancestry.patient for pin in case.batch.pins}
        with pytest.raises(BadRequestError):
            check_products(case.backend, case.job, case.request, [case.batch], pinned)


def test_a_source_that_is_gone_has_no_product() -> None:
    asked = Asked(JobType.RESOURCE_MODIFICATION, False, Level.STUDY, {**KEEP_ALL, "Force": True})  # noqa: FBT003
    with planned([identified_file(PLAIN_IDS)], asked, []) as case:
        case.backend.index.eraser.remove_instances(case.batch.pins)
        assert known_before(case) == [set()]


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 5, 6])
def test_ids_are_known_of_all_batches_however_many_sources_are_read_together(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [identified_file({**PLAIN_IDS, INSTANCE: f"1.2.3.{number}"}) for number in range(5)]
    asked = Asked(JobType.RESOURCE_MODIFICATION, True, Level.STUDY, {})  # noqa: FBT003
    with planned(uploads, asked, []) as case:
        plan = compile_plan(
            modification_of(case.backend, case.job, case.request),
            name=case.job.name,
            settings=case.backend.settings,
        )
        pins = case.batch.pins
        batches = [Batch(number, pins[start : start + 2]) for number, start in enumerate((0, 2, 4))]
        whole = list(product_ids(case.backend, case.job, plan, [case.batch]))
        monkeypatch.setattr("dicomorph.services.work.product_ids._AT_ONCE", at_once)
        assert list(product_ids(case.backend, case.job, plan, batches)) == whole
        assert len(set(map(frozenset, whole))) == len(pins) == 5


@pytest.mark.parametrize("body", [{}, {"Replace": {"SpecificCharacterSet": "ISO_IR 192"}}])
@pytest.mark.parametrize("identifiers", [KEEP_ALL, {"Keep": ["StudyInstanceUID"]}])
def test_ordinary_identifiers_are_known_without_a_look_at_the_files(
    identifiers: dict[str, Any], body: dict[str, Any]
) -> None:
    asked = Asked(JobType.RESOURCE_MODIFICATION, True, Level.STUDY, {**identifiers, **body, "Force": True})  # noqa: FBT003
    with planned([identified_file(PLAIN_IDS)], asked, []) as case:
        before = known_before(case)
        case.backend.objects.discard([pin.object for pin in case.batch.pins], pinned=False)
        assert known_before(case) == before != [set()]


def test_a_store_that_is_away_is_no_source_without_a_product() -> None:
    body = {"Keep": ["StudyInstanceUID"], "Force": True}
    asked = Asked(JobType.RESOURCE_MODIFICATION, True, Level.STUDY, body)  # noqa: FBT003
    with planned(
        [identified_file({**PLAIN_IDS, INSTANCE: "1.2.Ä"}, charset="ISO_IR 192")], asked, []
    ) as case:
        away = before_nth(case.backend.objects, "open", 1, failing(TransientError()))
        with pytest.raises(TransientError):
            known_before(case._replace(backend=replace(case.backend, objects=away)))


def test_a_job_in_which_patients_would_become_one_is_refused(server: Server) -> None:
    """They differ by a leading space, which their pseudonyms do not; the request names no identifier."""
    uploads = [identified_file({**PLAIN_IDS, PATIENT_ID: name}) for name in (" P1", "P1")]
    stored = [store_instance(server.backend, upload, remote_ip="") for upload in uploads]
    before = server.pins()
    assert len(before) == 2
    body: dict[str, Any] = {"Resources": [one["ParentPatient"] for one in stored], "KeepSource": False}
    done = server.finish(submit_bulk_modification(server.backend, body, is_anonymization=True, caller=CALLER))
    assert (done.state, done.error_code) == (JobState.FAILURE, BadRequestError.code)
    assert server.pins() == before
