"""A short campaign, and proof that the judge of a long one sees what it is there to see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomorph.dicom.engine.rewriter import Rewriter
from tests.compat.plans import REQUESTS, Request
from tests.dicom_factory import rich_file
from tests.fuzz import campaign, recoding
from tests.fuzz.checks import Judge, Verdict
from tests.fuzz.corpus import corpus
from tests.support.edits import anonymized, plan

ANONYMIZE = Request({})


def test_a_few_inputs_are_refused_or_edited_well() -> None:
    figures = campaign.run(1, range(300))
    assert figures.failed == []
    assert 50 < figures.refused < 250


@pytest.mark.slow
def test_thousands_of_inputs_are_refused_or_edited_well() -> None:
    figures = campaign.run(2, range(campaign.CHUNK * len(REQUESTS)))
    assert figures.failed == []


def test_twenty_real_files_and_more_are_mutated() -> None:
    assert len([seed for seed in corpus() if not seed.name.startswith("generated")]) >= 20
    assert all(seed.headers for seed in corpus())


def test_an_input_follows_from_its_number() -> None:
    inputs = [campaign.made(7, number) for number in range(50)]
    assert inputs == [campaign.made(7, number) for number in range(50)]
    assert len({data for data, _ in inputs}) > 45


def judged(edit: Request) -> list[str]:
    """Return what is wrong if a file is edited by another request than it was judged by."""
    judge = Judge(ANONYMIZE)
    judge._plan = plan(edit.body, anonymize=edit.anonymize)
    return judge.judge(rich_file()).faults


@pytest.mark.parametrize(
    "edit", [Request({"KeepPrivateTags": True}), Request({"Keep": ["0008,1250"]}), REQUESTS["2008"]]
)
def test_elements_that_should_be_gone_are_found(edit: Request) -> None:
    assert any(fault.startswith("left: ") for fault in judged(edit))


def test_values_that_should_be_gone_are_found_wherever_they_are() -> None:
    data = rich_file()
    output = anonymized(data)
    hidden = output[:20] + "Müller^Élodie".encode("latin-1") + output[33:]
    assert list(Judge(ANONYMIZE)._faults(data, output)) == []
    assert list(Judge(ANONYMIZE)._faults(data, hidden)) == [
        "a removed value is in the output, in no element that is kept"
    ]


def test_outputs_that_are_cut_off_are_found() -> None:
    data = rich_file()
    assert any("refused" in fault for fault in Judge(ANONYMIZE)._faults(data, anonymized(data)[:-20]))


def test_errors_that_are_not_ours_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(Rewriter, "rewrite", fail)
    figures = campaign.run(1, range(2), tmp_path)
    assert [faults for _, _, faults in figures.failed] == [["crash: KeyError()"]] * 2
    assert (tmp_path / "1-1.dcm").read_bytes() == campaign.made(1, 1)[0]
    assert "crash" in (tmp_path / "1-1.txt").read_text()


def test_faults_of_recoding_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(recoding, "recode", fail)
    assert Judge(ANONYMIZE).judge(rich_file(), number=0).faults == ["crash while recoding: KeyError()"]


def test_hangs_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> Verdict:
        while True:
            pass

    monkeypatch.setattr(Judge, "judge", hang)
    monkeypatch.setattr(campaign, "HANGING", 0.05)
    assert [faults for _, _, faults in campaign.run(1, range(1)).failed] == [["hangs"]]


def test_figures_of_all_processes_add_up(tmp_path: Path) -> None:
    totals: Iterator[campaign.Figures] = campaign.campaign(5, range(campaign.CHUNK + 1), tmp_path, workers=2)
    assert [total.inputs for total in totals][-1] == campaign.CHUNK + 1


def test_an_image_that_the_request_describes_anew_need_not_be_edited_again() -> None:
    judge = Judge(Request({"Replace": {"Rows": "1"}}))
    assert judge.judge(rich_file()).faults == []


def test_each_part_of_a_mapped_value_may_be_empty() -> None:
    judge = Judge(ANONYMIZE)
    assert judge._is_mapped(b"\\2.25.1\\\\2.25.2\0")
    assert not judge._is_mapped(b"\\1.2\\2.25.1")
