"""Jobs of which no field has its default, whichever fields there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from dicomorph.jobs.model import Job, JobState, JobType
from dicomorph.model.resources import Json, Level

Field = dataclasses.Field[Any]


def filled_job() -> Job:
    """Return a job each of whose fields has a value that is not its default."""
    values = {field.name: _of_type(_VALUES, field)(field) for field in dataclasses.fields(Job)}
    for field in dataclasses.fields(Job):
        assert values[field.name] != default(field), f"{field.name} needs another value"
    return Job(**values)


def new_job(**changes: Any) -> Job:
    """Return a job all of whose fields have their defaults, as far as they have one."""
    filled = filled_job()
    required = {
        field.name: getattr(filled, field.name)
        for field in dataclasses.fields(Job)
        if default(field) is dataclasses.MISSING
    }
    return Job(**{**required, **changes})


def any_job() -> st.SearchStrategy[Job]:
    """Return any jobs (hypothesis)."""
    return st.builds(Job, **{field.name: _of_type(_STRATEGIES, field) for field in dataclasses.fields(Job)})


def default(field: Field) -> Any:
    """Return what a field has if nobody says otherwise; ``MISSING`` if somebody has to."""
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def _of_type(table: dict[str, Any], field: Field) -> Any:
    assert field.type in table, f"say what a {field.type} may be, for the field {field.name}"
    return table[str(field.type)]


def _last_but_default(kind: Any) -> Callable[[Field], Any]:
    return lambda field: [member for member in kind if member is not field.default][-1]


_JSON: Final[dict[str, Json]] = {
    "nested": [None, True, 1.5, -3, "Zoë", {"": []}],
    "half a character": "\ud83d",
}
_VALUES: Final = {
    "str": lambda field: f"{field.name} \N{SNOWMAN}",
    "bytes": lambda _: bytes(range(32)),
    "bool": lambda field: field.default is not True,
    "int": lambda _: 7,
    "float": lambda _: 2.25,
    "Json": lambda _: _JSON,
    "Mapping[str, Json]": lambda _: _JSON,
    "JobType": _last_but_default(JobType),
    "JobState": _last_but_default(JobState),
    "Level": _last_but_default(Level),
}

_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_STRATEGIES: Final = {
    "str": st.text(),
    "bytes": st.binary(),
    "bool": st.booleans(),
    "int": st.integers(),
    "float": st.floats(allow_nan=False),
    "Json": _json_values,
    "Mapping[str, Json]": st.dictionaries(st.text(), _json_values, max_size=3),
    "JobType": st.sampled_from(JobType),
    "JobState": st.sampled_from(JobState),
    "Level": st.sampled_from(Level),
}
