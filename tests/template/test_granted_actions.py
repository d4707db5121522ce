"""Nothing is used that is not granted, nothing is granted that is not used."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dicomorph.http.routes import each_route
from local.template import read_routes, read_template
from tests.support.grant_comparison import Statements, missing_grants, unused_grants
from tests.support.granted_actions import Statement, read_statements, roles_of_nobody
from tests.support.permissions_table import COMMAND, permissions_page
from tests.support.recorded_stack import NAMES
from tests.support.template_values import TemplateValues
from tests.support.walk import Walk, walk

# One walk through all that the stack can do serves all tests: a minute and a half, more on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.always, pytest.mark.timeout(600)]

Change = Callable[[Statement], Statement]

PAGE = Path(__file__).parents[2] / "docs/permissions.md"
UNSEEN = {
    "client.create_log_stream": "where an access trail was asked for (test_optional_grants)",
    "client.put_log_events": "as client.create_log_stream",
    "client.get_paginator": "asks nobody; the pages do",
    "ingest.sync": "asks nobody: DynamoDB keeps what it answered",
    "objects.sync": "asks nobody: S3 keeps what it answered",
    "outbox.name": "asks nobody: objects are deleted at once, and nothing waits",
    "outbox.drop": "as outbox.name",
    "outbox.unclaimed": "as outbox.name",
    "outbox.waiting": "as outbox.name",
    "eraser.remove": "asks where an outbox remembers what goes; here all goes through remove_instances",
    "catalogue.item": "as eraser.remove",
    "catalogue.lineages": "as eraser.remove",
    "jobs.request": "asks nobody: S3 keeps what was asked",
    "objects.are_stored": "asks of files alone before a version goes; of all, an hour after a file was begun",
    "objects.check_room": "asks nobody: S3 has room for all",
    "catalogue.find_many": "asks when its answer is read, as all generators do",
    "catalogue.get_many": "as catalogue.find_many",
    "catalogue.instances": "as catalogue.find_many",
    "catalogue.pins": "as catalogue.find_many",
    "table.get": "no route changes no label",
    "table.query": "asks when its answer is read",
}
"""Call sites that the walk cannot see, with the reason."""


@pytest.fixture(scope="module")
def walked() -> Walk:
    return walk(read_template())


@pytest.fixture(scope="module")
def statements() -> dict[str, list[Statement]]:
    template = read_template()
    return read_statements(template, TemplateValues(template, NAMES))


def test_every_route_is_walked(walked: Walk) -> None:
    routes = {(r.method, r.resource) for r in read_routes(read_template()) if r.method != "ANY"}
    assert routes - walked.routes == set()


def test_every_route_did_what_it_is_for(walked: Walk) -> None:
    # So what docs/openapi.json says of each was held against a real answer (`described_answers`).
    routes = {
        (route.method, route.path)
        for _, route in each_route()
        if any(isinstance(form, str) for form in route.answers)
    }
    assert routes - walked.succeeded == set()


def test_every_line_that_asks_aws_is_walked(walked: Walk) -> None:
    assert [str(site) for site in walked.unseen if site.method not in UNSEEN] == []
    assert {site.method for site in walked.unseen} == UNSEEN.keys()


def test_what_is_used_is_granted(walked: Walk, statements: Statements) -> None:
    assert sorted(missing_grants(walked.needs, statements)) == []


def test_what_is_granted_is_used(walked: Walk, statements: Statements) -> None:
    assert sorted(unused_grants(walked.needs, statements)) == []


def test_there_is_no_role_but_those_of_the_walk() -> None:
    # API Gateway's, for the logs of all APIs of the account: AWS's own policy is all there is for it.
    assert roles_of_nobody(read_template()) == {"ApiLogRole"}


def test_the_page_says_what_was_seen(walked: Walk) -> None:
    assert PAGE.read_text(encoding="utf-8") == permissions_page(walked.needs), f"Write it anew: {COMMAND}"


# ------------------------------------------------- each statement of the template, with one defect


def test_a_statement_that_goes_is_missed(walked: Walk, statements: Statements) -> None:
    for principal, found in statements.items():
        for number, statement in enumerate(found):
            others = {principal: [*found[:number], *found[number + 1 :]]}
            missing = missing_grants({principal: walked.needs[principal]}, others)
            assert missing, f"{statement.sid} of {principal}"


@pytest.mark.parametrize(
    "change",
    [
        lambda statement: replace(statement, resources=("*",)),
        lambda statement: replace(statement, condition={}),
        lambda statement: replace(statement, actions=(*statement.actions, "s3:PutObjectAcl")),
        lambda statement: replace(statement, actions=(*statement.actions, "s3:*")),
    ],
    ids=["resource", "condition", "action", "wildcard"],
)
def test_a_statement_that_grows_is_noticed(walked: Walk, statements: Statements, change: Change) -> None:
    grown = {principal: [change(statement) for statement in found] for principal, found in statements.items()}
    noticed = {(permission.principal, permission.sid) for permission in unused_grants(walked.needs, grown)}
    assert noticed == {
        (principal, after.sid)
        for principal, found in statements.items()
        for before, after in zip(found, grown[principal], strict=True)
        if before != after
    }
