"""Jobs in accounts of ten and fifty functions, on a simulated clock: none loses an image."""

from __future__ import annotations

import pytest

from tests.simulation.account import MAX_CONCURRENCY, Account
from tests.simulation.steps import seconds_an_image

HISTORY = 25_000  # events of an execution


def run(account: Account, jobs: int, images: int) -> list[int]:
    """Run jobs that are submitted one a second; return how many images each has lost."""
    found = [account.submit(images, after=number) for number in range(jobs)]
    account.run()
    assert max(account.events.values()) < HISTORY / 2
    return [account.lost(job) for job in found]


@pytest.mark.parametrize("jobs", [1, 3, 20])
@pytest.mark.parametrize("limit", [10, 50])
def test_no_image_is_lost_for_want_of_a_worker(limit: int, jobs: int) -> None:
    account = Account(limit)
    assert run(account, jobs, 2_000) == [0] * jobs
    assert account.apart == 0
    # With all workers busy from the first moment on, it would take so long.
    best = jobs * 2_000 * account.seconds_an_image / account.backend.capacity().workers
    assert max(account.ends.values()) < 2 * best + 120


@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_a_hundred_thousand_images_go_through_an_account_of_ten_functions(factor: float) -> None:
    account = Account(10, seconds_an_image=seconds_an_image(factor))
    assert run(account, 1, 100_000) == [0]
    assert (account.throttled, account.apart, account.most_busy) == (0, 0, 8)


@pytest.mark.parametrize(
    ("limit", "reserved", "jobs", "images"),
    [
        (10, 0, 1, 20_000),  # lost hundreds, when what was throttled was taken for poisoned
        (1_000, 10, 3, 10_000),  # lost most
        pytest.param(10, 0, 3, 100_000, marks=pytest.mark.slow),
    ],
)
def test_no_image_is_lost_in_what_lost_them_before(limit: int, reserved: int, jobs: int, images: int) -> None:
    account = Account(limit, reserved=reserved)
    assert run(account, jobs, images) == [0] * jobs
    assert account.apart == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_a_million_images_go_through_maps_within_an_hour(factor: float) -> None:
    account = Account(1_000, seconds_an_image=seconds_an_image(factor))
    assert run(account, 1, 1_000_000) == [0]
    assert (account.throttled, account.apart) == (0, 0)
    assert max(account.ends.values()) < 3600


def test_no_image_is_lost_while_others_take_all_functions_for_minutes() -> None:
    account = Account(10)
    account.clock.at(20, lambda: setattr(account, "others", 10))
    account.clock.at(500, lambda: setattr(account, "others", 1))
    assert run(account, 2, 5_000) == [0, 0]
    assert account.throttled > 50
    assert account.apart == 0


def test_images_that_hang_or_kill_fail_alone_in_an_account_of_ten_functions() -> None:
    bad = frozenset({(3, 4), (3, 7)}), frozenset({(9, 1), (20, 0), (20, 49)})
    account = Account(10, hanging=bad[0], deadly=bad[1])
    assert run(account, 1, 2_000) == [5]
    # A batch that hangs, two whose worker dies.
    assert account.apart >= 3 * 50


def test_a_dozen_images_of_one_batch_that_hang_fail_alone_though_its_item_ends_before() -> None:
    account = Account(10, hanging=frozenset((3, number) for number in range(12)))
    assert run(account, 1, 2_000) == [12]


@pytest.mark.parametrize(("setting", "most"), [(None, 8), (0, 8), (1, 1), (2, 2), (30, 8)])
def test_no_more_jobs_run_at_once_than_the_setting_and_the_account_allow(
    setting: int | None, most: int
) -> None:
    account = Account(10, setting=setting)
    assert run(account, 12, 500) == [0] * 12
    assert account.most_jobs == most


def test_a_job_gets_no_more_workers_than_the_stack_says() -> None:
    account = Account(1_000)
    assert run(account, 1, 20_000) == [0]
    assert account.most_busy == MAX_CONCURRENCY
