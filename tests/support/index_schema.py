"""The table of the index as the template describes it, for mocked ones."""

from __future__ import annotations

from functools import cache
from typing import Any

from local.template import read_template
from tests.support.template_values import TemplateValues

_KEPT = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


@cache
def index_schema() -> dict[str, Any]:
    """Return the arguments of ``CreateTable`` without the name, with all parameters at their defaults."""
    template = read_template()
    properties = template["Resources"]["IndexTable"]["Properties"]
    found = TemplateValues(template, {}).of({name: properties[name] for name in _KEPT})
    return dict(found)
