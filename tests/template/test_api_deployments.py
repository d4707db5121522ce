"""A template without a transform: whatever changes the API changes what its stage serves."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.support.template_values import TemplateValues, with_parameters
from tools.api_deployments import with_deployments

NOTHING = {"Ref": "AWS::NoValue"}
TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Endpoints": {"Type": "CommaDelimitedList", "Default": ""},
        "Beta": {"Type": "String", "Default": "false"},
        "Rate": {"Type": "Number", "Default": 5},
    },
    "Conditions": {
        "IsPrivate": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Endpoints"}]}, ""]}]},
        "IsBeta": {"Fn::Equals": [{"Ref": "Beta"}, "true"]},
    },
    "Resources": {
        "Api": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {
                "Body": {
                    "info": {"title": {"Ref": "AWS::StackName"}},
                    "policy": {"Fn::If": ["IsPrivate", {"a": 1}, NOTHING]},
                },
                "EndpointConfiguration": {
                    "Types": [{"Fn::If": ["IsPrivate", "PRIVATE", "REGIONAL"]}],
                    "VpcEndpointIds": {"Fn::If": ["IsPrivate", {"Ref": "Endpoints"}, NOTHING]},
                },
            },
        },
        "ApiDeployment1": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": "Api"}},
        },
        "ApiStage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {"DeploymentId": {"Ref": "ApiDeployment1"}, "Rate": {"Ref": "Rate"}},
        },
    },
}


def _served(template: dict[str, Any], **parameters: str) -> str:
    """Return the deployment that the stage has, which is the only one that there is."""
    given = with_parameters(template, **parameters)
    values = TemplateValues(given, {})
    present = [
        name
        for name, resource in given["Resources"].items()
        if resource["Type"] == "AWS::ApiGateway::Deployment"
        and ("Condition" not in resource or values.of({"Condition": resource["Condition"]}))
    ]
    served: str = values.of(given["Resources"]["ApiStage"]["Properties"]["DeploymentId"])
    assert present == [served]
    return served


def test_the_stage_goes_over_to_another_deployment_with_what_shapes_the_api() -> None:
    template = with_deployments(copy.deepcopy(TEMPLATE))
    assert _served(template) == _served(template, Rate="7")
    assert _served(template) != _served(template, Endpoints="vpce-1")
    # Where a private API has names takes effect at once.
    assert _served(template, Endpoints="vpce-1") == _served(template, Endpoints="vpce-1,vpce-2")


def test_conditions_that_meet_make_a_deployment_each() -> None:
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["Api"]["Properties"]["Body"]["beta"] = {"Fn::If": ["IsBeta", 1, 2]}
    template = with_deployments(template)
    cases = [{}, {"Beta": "true"}, {"Endpoints": "e"}, {"Endpoints": "e", "Beta": "true"}]
    assert len({_served(template, **case) for case in cases}) == 4


def test_an_api_that_nothing_shapes_keeps_its_deployment() -> None:
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["Api"]["Properties"] = {"Body": {}}
    assert with_deployments(template) == template


@pytest.mark.parametrize(
    "held",
    [
        {"Ref": "Rate"},
        {"Fn::Sub": "a ${Rate}"},
        {"Fn::Sub": ["${Rate}", {}]},
        {"Fn::If": ["IsBeta", {"Ref": "Rate"}, 1]},
    ],
)
def test_an_api_that_holds_the_value_of_a_parameter_is_refused(held: Any) -> None:
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["Api"]["Properties"]["Body"]["deep"] = [{"er": held}]
    with pytest.raises(SystemExit, match="Rate"):
        with_deployments(template)
