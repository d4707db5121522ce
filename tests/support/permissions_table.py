"""The page docs/permissions.md, written from the walk through all use cases."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Mapping

from local.template import read_template
from tests.support.granted_actions import Need
from tests.support.places import places
from tests.support.walk import walk

COMMAND = "python -m tests.support.permissions_table > docs/permissions.md"
_HEAD = f"""\
# Permissions

What each function does on AWS, and all that it may do. `tests/template/test_granted_actions.py` walks through
the use cases of the API and of jobs under moto, writes down each call with the permissions that it takes, and
compares them with the statements in `template.yaml`: nothing is used that is not granted, nothing is granted
that is not used. This page is written from the same walk (`{COMMAND}`); what
the workflow does is read from its definition.

| place | what it is |
| --- | --- |
| bucket | the permission to list all of it, without which S3 does not tell that an object is missing |
| resources | items of the table: patients, studies, series, instances, and their children |
| counters, properties | items of the table that belong to no resource |
| secrets | items of the table from which rules on arrival make pseudonyms |
| list of jobs | items of the table: which jobs there are, and which are alive |
| records of jobs | items of the table with the secrets that pseudonyms are made from |
| records of uploads | items of the table, which DynamoDB forgets after some weeks |
| index Listing | the identifiers of all resources, and the sizes of instances |
| key, for s3 | the key of the stack, as far as S3 uses it for the caller |

Besides, each function writes to its own log group, and the workflow sets up the delivery of its log.

"""


def permissions_page(needs: Mapping[str, Iterable[Need]]) -> str:
    """Return the page: a row for each action in a place, a column for each function."""
    used = {
        name: {(need.action, place) for need in found for place in places(need) if "logs:" not in need.action}
        for name, found in needs.items()
    }
    columns = [name for name, found in used.items() if found]
    rows = sorted({row for found in used.values() for row in found})
    titles = [name.removesuffix("Function").removeprefix("Modification") for name in columns]
    lines = [["action", "place", *titles], ["---", "---", *[":-:"] * len(columns)]]
    for row in rows:
        action, place = row
        lines.append([f"`{action}`", place, *("●" if row in used[name] else "" for name in columns)])
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    idle = ", ".join(name.removesuffix("Function") for name in used.keys() - set(columns))
    return f"{_HEAD}{table}\n{idle} calls nothing.\n"


def main() -> None:
    """Print the page; what functions log meanwhile goes to standard error."""
    from tests import conftest  # noqa: F401, PLC0415 - the environment of the tests

    with contextlib.redirect_stdout(sys.stderr):
        needs = walk(read_template()).needs
    sys.stdout.write(permissions_page(needs))


if __name__ == "__main__":
    main()
