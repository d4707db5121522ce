"""What GitHub reads here: workflows that may do little, and forms that ask for no patient data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

GITHUB = Path(__file__).parents[2] / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(set((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) - {GITHUB / "ISSUE_TEMPLATE/config.yml"})
PROMISE = "I attach no patient data, neither pixels nor values"

# Which jobs may write what, and nobody else anything.
MAY_WRITE = {
    ("dependencies", "propose"): {"actions", "contents", "pull-requests"},
    ("release", "publish"): {"attestations", "contents", "id-token"},
}


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return document


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield path.stem, name, job


def named(path: Path) -> str:
    return path.stem


def test_every_action_is_pinned_by_its_commit_and_the_same_everywhere() -> None:
    used = [step["uses"] for _, _, job in jobs() for step in job["steps"] if "uses" in step]
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    pinned = re.findall(r"uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$", text, re.MULTILINE)
    assert sorted(used) == sorted(f"{action}@{commit}" for action, commit, _ in pinned)
    assert len({action for action, *_ in pinned}) == len(set(pinned)), "one action, two versions"


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_a_workflow_may_only_read_unless_a_job_says_otherwise(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}


def test_only_the_jobs_that_have_to_write_may() -> None:
    writing = {
        (workflow, name): {scope for scope, may in job["permissions"].items() if may == "write"}
        for workflow, name, job in jobs()
        if "permissions" in job
    }
    assert writing == MAY_WRITE


def test_what_may_write_leaves_tests_and_builds_to_others() -> None:
    run = {
        (workflow, name): " ".join(step.get("run", "") for step in job["steps"])
        for workflow, name, job in jobs()
    }
    for job in MAY_WRITE:
        assert not re.search(r"\.ci/run|make (test|build|setup)|pytest|pip install", run[job]), job
    assert "checkout" not in str(read(GITHUB / "workflows/release.yml")["jobs"]["publish"])


def test_no_job_keeps_the_token_in_its_checkout() -> None:
    for workflow, name, job in jobs():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, (workflow, name)


def test_no_command_is_made_of_what_others_may_name() -> None:
    """A tag or branch is a name that a shell would read: commands take them from the environment."""
    for workflow, name, job in jobs():
        for step in job["steps"]:
            expressions = re.findall(r"\$\{\{\s*([\w.-]+)", step.get("run", ""))
            assert all(found.startswith("matrix.") for found in expressions), (workflow, name)


def test_issues_begin_with_a_form() -> None:
    config = read(GITHUB / "ISSUE_TEMPLATE/config.yml")
    assert config["blank_issues_enabled"] is False
    assert all(link["url"].startswith("https://") for link in config["contact_links"])
    assert {path.stem for path in FORMS} == {"bug", "compatibility", "deidentification"}


@pytest.mark.parametrize("path", FORMS, ids=named)
def test_a_form_says_first_that_it_wants_no_patient_data_and_has_that_promised(path: Path) -> None:
    first, promise, *_ = read(path)["body"]
    assert first["type"] == "markdown"
    assert first["attributes"]["value"].startswith("**No patient data, please**")
    assert promise["type"] == "checkboxes"
    assert {"label": PROMISE, "required": True} in promise["attributes"]["options"]
    assert all(option["required"] for option in promise["attributes"]["options"])


@pytest.mark.parametrize("path", FORMS, ids=named)
def test_the_fields_of_a_form_are_told_apart_and_the_needed_ones_required(path: Path) -> None:
    fields = [field for field in read(path)["body"] if field["type"] != "markdown"]
    for values in ([field["id"] for field in fields], [field["attributes"]["label"] for field in fields]):
        assert len(set(values)) == len(values)
    required = {field["id"] for field in fields if field.get("validations", {}).get("required")}
    assert {"version", "deployment"} <= required <= {field["id"] for field in fields}
    assert {"request", "header"} <= {field["id"] for field in fields}


def test_what_identifies_somebody_is_sent_away_from_the_form_on_deidentification() -> None:
    form = read(GITHUB / "ISSUE_TEMPLATE/deidentification.yml")
    assert "SECURITY.md" in form["body"][0]["attributes"]["value"]
    assert (GITHUB.parent / "SECURITY.md").exists()
