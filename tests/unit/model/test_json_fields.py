"""The types of fields in JSON requests."""

from __future__ import annotations

import pytest

from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.json_fields import read_boolean, read_text
from dicomorph.model.resources import Json


def test_an_absent_field_has_its_default() -> None:
    assert read_boolean({}, "Force", default=True)
    assert not read_boolean({"Force": False}, "Force", default=True)
    assert read_text({}, "Level", default="Study") == "Study"
    assert read_text({"Level": ""}, "Level", default="Study") == ""


@pytest.mark.parametrize("value", [None, 0, 1, "true", [], {}])
def test_nothing_else_stands_for_a_boolean(value: Json) -> None:
    with pytest.raises(BadFileFormatError, match="'Force' must be true or false"):
        read_boolean({"Force": value}, "Force", default=False)


@pytest.mark.parametrize("value", [None, 5, True, ["x"], {}])
def test_nothing_else_stands_for_a_text(value: Json) -> None:
    with pytest.raises(BadFileFormatError, match="'Level' must be a string"):
        read_text({"Level": value}, "Level")
