"""What the records of uploads do, wherever they are kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import pytest

from dicomorph.model.uploads import Announcement, Outcome, UploadState
from dicomorph.ports.uploads import UploadRecords
from tests.contract.uploads import new_upload

STORED = Outcome(content={"ID": "0a", "Status": "Success"})
STORED_TWICE = Outcome(content=[{"ID": "0a", "Status": "AlreadyStored"}])
REFUSED = Outcome(error_code=15, error_details="The uploaded file is no DICOM")
REFUSED_OTHERWISE = Outcome(error_code=21, error_details="")


def test_an_upload_is_found_as_it_was_written(upload_records: UploadRecords) -> None:
    announced = Announcement(size=11, part_size=6, digest="Crc32", checksums=("00000000", "ffffffff"))
    upload = new_upload(announced=announced, ticket="a secret")
    assert upload_records.get(upload.id) is None
    for _ in range(2):
        upload_records.create(upload)
        assert upload_records.get(upload.id) == upload
    assert upload.state is UploadState.PENDING


@pytest.mark.parametrize("outcome", [STORED, STORED_TWICE, REFUSED, REFUSED_OTHERWISE])
def test_what_became_of_an_upload_is_found_again(upload_records: UploadRecords, outcome: Outcome) -> None:
    upload, other = new_upload(1), new_upload(2)
    upload_records.create(upload)
    upload_records.create(other)
    upload_records.settle(upload.id, outcome)
    assert upload_records.get(upload.id) == replace(upload, outcome=outcome)
    assert upload_records.get(other.id) == other
    upload_records.create(upload)  # a call that was repeated late
    assert upload_records.get(upload.id) == replace(upload, outcome=outcome)


def test_a_success_is_the_last_word_and_of_equal_words_the_first(upload_records: UploadRecords) -> None:
    outcomes = (STORED, STORED_TWICE, REFUSED)
    orders = [*permutations(outcomes), *product(outcomes, repeat=2), (REFUSED, REFUSED_OTHERWISE)]
    for number, order in enumerate(orders):
        upload = new_upload(number)
        upload_records.create(upload)
        for outcome in order:
            upload_records.settle(upload.id, outcome)
        found = upload_records.get(upload.id)
        assert found is not None
        successes = [outcome for outcome in order if outcome.state is UploadState.SUCCESS]
        assert found.outcome == (successes or order)[0]


def test_what_is_unknown_or_forgotten_is_not_settled(upload_records: UploadRecords) -> None:
    upload = new_upload()
    upload_records.settle(upload.id, STORED)
    assert upload_records.get(upload.id) is None
    upload_records.create(upload)
    for _ in range(2):
        upload_records.delete(upload.id)
        upload_records.settle(upload.id, STORED)
        assert upload_records.get(upload.id) is None


def test_an_upload_is_waited_for_longer_and_never_for_less(upload_records: UploadRecords) -> None:
    upload = new_upload()
    later = "2026-01-31T14:00:00.000000+00:00"
    upload_records.prolong(upload.id, expires=later)
    assert upload_records.get(upload.id) is None
    upload_records.create(upload)
    for expires in (later, upload.expires, later):
        upload_records.prolong(upload.id, expires=expires)
        assert upload_records.get(upload.id) == replace(upload, expires=later)
    upload_records.settle(upload.id, STORED)
    assert upload_records.get(upload.id) == replace(upload, expires=later, outcome=STORED)
