"""All use cases, one after the other, and what they needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.call_sites import CallSite, call_sites
from tests.support.granted_actions import Need
from tests.support.recorded_stack import NAMES, customer_keys, recorded_stack
from tests.support.template_values import TemplateValues
from tests.support.use_cases import USE_CASES
from tests.support.use_cases_of_arrivals import USE_CASES_OF_ARRIVALS
from tests.support.use_cases_of_ends import USE_CASES_OF_ENDS
from tests.support.use_cases_of_jobs import USE_CASES_OF_JOBS
from tests.support.use_cases_of_many import USE_CASES_OF_MANY
from tests.support.use_cases_of_sweeps import USE_CASES_OF_SWEEPS
from tests.support.use_cases_of_the_rest import call_the_rest
from tests.support.use_cases_of_uploads import USE_CASES_OF_UPLOADS
from tests.support.workflow_needs import log_needs, message_needs, workflow_needs


@dataclass(frozen=True, slots=True)
class Walk:
    """What was seen.

    Parameters
    ----------
    needs : Mapping[str, set[Need]]
        By function and state machine.
    routes : set[tuple[str, str]]
        Methods and resources of the API that were called.
    succeeded : set[tuple[str, str]]
        Those of them that answered 200, once at least, as docs/openapi.json describes it.
    unseen : list[CallSite]
        Where the code may ask AWS for something, and did not.
    """

    needs: Mapping[str, set[Need]]
    routes: set[tuple[str, str]]
    succeeded: set[tuple[str, str]]
    unseen: list[CallSite]


def walk(template: Mapping[str, Any]) -> Walk:
    """Go through all use cases on the stack of a template."""
    values = TemplateValues(template, NAMES)
    with recorded_stack(template) as cloud:
        for use_case in (
            *USE_CASES,
            *USE_CASES_OF_MANY,
            *USE_CASES_OF_JOBS,
            *USE_CASES_OF_ENDS,
            *USE_CASES_OF_UPLOADS,
            *USE_CASES_OF_ARRIVALS,
            *USE_CASES_OF_SWEEPS,
            call_the_rest,
        ):
            cloud.clear()
            use_case(cloud)
    recorder = cloud.recorder
    needs = {name: found | log_needs(template, name, values) for name, found in recorder.needs.items()}
    keys = customer_keys(template, values)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            needs[name] = workflow_needs(template, name, values, keys)
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            properties = resource["Properties"]
            needs[properties["FunctionName"]["Ref"]] |= message_needs(properties, values, keys)
    unseen = [site for site in call_sites() if site.lines.isdisjoint(recorder.lines)]
    return Walk(needs, cloud.called, cloud.succeeded, unseen)
