"""What a body may ask of DICOM identifiers, and which level follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.model.resources import Level
from tests.support.parsed_requests import code_of, parsed

IDENTIFIERS = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]


@pytest.mark.parametrize("identifier", IDENTIFIERS)
@pytest.mark.parametrize("anonymize", [False, True])
def test_identifiers_need_force(identifier: str, anonymize: bool) -> None:  # noqa: FBT001
    bodies: list[dict[str, Any]] = [{"Replace": {identifier: "1"}}, {"Keep": [identifier]}]
    for body in bodies:
        assert code_of(body, anonymize=anonymize) == 8
        assert code_of({**body, "Force": False}, anonymize=anonymize) == 8
        assert parsed({**body, "Force": True}, anonymize=anonymize).force


@pytest.mark.parametrize("identifier", IDENTIFIERS)
@pytest.mark.parametrize("force", [False, True])
def test_identifiers_are_never_removed(identifier: str, force: bool) -> None:  # noqa: FBT001
    assert code_of({"Remove": [identifier], "Force": force}) == 8


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_identifiers_in_items_need_no_force(identifier: str) -> None:
    path = f"ContentSequence[*].{identifier}"
    found = parsed({"Replace": {path: "1"}, "Remove": [path], "Keep": [path]})
    assert len(found.replace) == len(found.remove) == len(found.keep) == 1
    assert found.removed_tags == found.kept_tags == frozenset()


@pytest.mark.parametrize(
    ("replace", "level"),
    [
        ([], Level.INSTANCE),
        (["PatientName"], Level.INSTANCE),
        (["SOPInstanceUID"], Level.INSTANCE),
        (["SeriesInstanceUID"], Level.SERIES),
        (["SeriesInstanceUID", "StudyInstanceUID"], Level.STUDY),
        (["SeriesInstanceUID", "PatientID"], Level.PATIENT),
        (["ContentSequence[0].PatientID"], Level.INSTANCE),
    ],
)
def test_the_level_of_an_instance_follows_from_replace(replace: list[str], level: Level) -> None:
    body = {"Replace": dict.fromkeys(replace, "1"), "Force": True}
    assert parsed(body).level is level
    assert parsed(body, level=Level.SERIES).level is Level.SERIES, "a route decides for its resources"
    assert parsed(body, anonymize=True, level=Level.SERIES).level is Level.PATIENT, "anonymization is whole"
