"""The table of routes: what its rows stand for, and the rules that they keep."""

from collections import Counter

import pytest

from dicomorph.http.route_rows import EMPTY, Permission, Row, routes_of
from dicomorph.http.routes import ROUTES, TABLE, allowed_methods, each_route

ROWS = [row for rows in TABLE.values() for row in rows]
ALL = [route for _, route in each_route()]


def paths_and_answers(path: str, *answers: str) -> list[tuple[str, ...]]:
    row = Row("GET", path, "browse", Permission.READ, "Show.", answers=answers)
    return [(route.path, *map(str, route.answers)) for route in routes_of(row)]


def test_a_row_without_placeholders_stands_for_itself() -> None:
    assert paths_and_answers("/jobs/{id}", "Job") == [("/jobs/{id}", "Job")]


def test_a_row_may_stand_for_all_levels() -> None:
    assert paths_and_answers("/{level}/{id}", "{Level}", "Identifiers") == [
        ("/patients/{id}", "Patient", "Identifiers"),
        ("/studies/{id}", "Study", "Identifiers"),
        ("/series/{id}", "Series", "Identifiers"),
        ("/instances/{id}", "Instance", "Identifiers"),
    ]


def test_a_row_may_stand_for_the_levels_above_instances() -> None:
    found = [path for (path,) in paths_and_answers("/{upper}/{id}/modify")]
    assert found == ["/patients/{id}/modify", "/studies/{id}/modify", "/series/{id}/modify"]


def test_a_row_may_stand_for_all_relatives() -> None:
    assert paths_and_answers("/{level}/{id}/{below}", "{Below}[]") == [
        ("/patients/{id}/studies", "Study[]"),
        ("/patients/{id}/series", "Series[]"),
        ("/patients/{id}/instances", "Instance[]"),
        ("/studies/{id}/series", "Series[]"),
        ("/studies/{id}/instances", "Instance[]"),
        ("/series/{id}/instances", "Instance[]"),
    ]
    assert paths_and_answers("/{level}/{id}/{above}", "{Above}") == [
        ("/studies/{id}/patient", "Patient"),
        ("/series/{id}/patient", "Patient"),
        ("/series/{id}/study", "Study"),
        ("/instances/{id}/patient", "Patient"),
        ("/instances/{id}/study", "Study"),
        ("/instances/{id}/series", "Series"),
    ]


def test_no_route_is_written_twice() -> None:
    assert [one for one, times in Counter((r.method, r.path) for r in ALL).items() if times > 1] == []
    assert sum(map(len, ROUTES.values())) == len(ALL)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_a_row_keeps_the_rules(row: Row) -> None:
    if row.method in ("GET", "DELETE"):
        assert row.permission is {"GET": Permission.READ, "DELETE": Permission.DELETE}[row.method]
        assert not row.body
    assert row.summary.endswith(".")
    assert "\n" not in row.summary
    assert EMPTY not in row.answers or [one for one in row.answers if isinstance(one, str)] == [EMPTY]


def test_what_may_delete_sources_is_a_deletion() -> None:
    deleting = {"anonymize_resources", "modify_resources", "split_study", "merge_study"}
    assert {row.permission for row in ROWS if row.function in deleting} == {Permission.DELETE}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/studies", ("GET",)),
        ("/instances", ("GET", "POST")),
        ("/jobs/a", ("DELETE", "GET")),
        ("/jobs/a/cancel", ("POST",)),
        ("/jobs/a/archive", ("DELETE", "GET")),
        ("/jobs//cancel", ()),
        ("/nowhere", ()),
    ],
)
def test_a_path_takes_the_methods_of_its_closest_route(path: str, methods: tuple[str, ...]) -> None:
    assert allowed_methods(path) == methods


def test_literals_come_before_parameters_wherever_their_rows_stand() -> None:
    paths = list(ROUTES)
    for number, path in enumerate(paths):
        parts = path.split("/")
        for later in (one.split("/") for one in paths[number + 1 :]):
            if len(later) == len(parts):
                hides = all(a.startswith("{") or a == b for a, b in zip(parts, later, strict=True))
                assert not hides, f"{path} hides {'/'.join(later)}"
