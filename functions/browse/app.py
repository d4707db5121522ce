"""Reading resources, their relatives, files, tags, metadata and labels."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.bootstrap import get_backend
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.http.answers.instances import answer_with_instance, answer_with_tags
from dicomorph.http.answers.metadata import read_answer
from dicomorph.http.reading.requests import Request
from dicomorph.http.reading.tag_forms import tags_form
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import empty_answer, json_answer
from dicomorph.model.resources import LEVEL_NAMES, Level
from dicomorph.services.annotate.labels import has_label, list_labels
from dicomorph.services.annotate.metadata import list_metadata, read_metadata
from dicomorph.services.browse.bulk_content import bulk_content
from dicomorph.services.browse.hierarchy import ancestor, descendant_ids, list_ids, load
from dicomorph.services.browse.resource_view import resource_json

app = build_resolver(get_backend)


def _expanded(request: Request, level: Level, ids: list[str], *, expand: bool) -> Response[str]:
    if not request.flag("expand", default=expand):
        return json_answer([*ids])
    backend, form = get_backend(), tags_form(request, default=TagsForm.SIMPLIFY)
    return json_answer([resource_json(backend, found, form) for found in load(backend, level, ids)])


def _relative(request: Request) -> Level:
    """Return the level that the end of the path names, such as ``studies`` or ``study``."""
    return LEVEL_NAMES[request.segment(2)]


@app.on_levels("GET")
def list_resources() -> Response[str]:
    """List a level: identifiers, or whole resources with ``expand``."""
    request = app.incoming
    since, limit = request.page()
    ids = list_ids(get_backend(), request.level, since=since, limit=limit)
    return _expanded(request, request.level, ids, expand=False)


@app.on_levels("GET", "/<resource_id>")
def show_resource(resource_id: str) -> Response[str]:
    """Show one resource."""
    request = app.incoming
    found = get_backend().index.catalogue.get(request.level, resource_id)
    if found is None:
        return empty_answer(404)  # without the error body, as in Orthanc (spec 2.1)
    return json_answer(resource_json(get_backend(), found, tags_form(request, default=TagsForm.SIMPLIFY)))


@app.on_levels("GET", "/<resource_id>/studies", levels=(Level.PATIENT,))
@app.on_levels("GET", "/<resource_id>/series", levels=(Level.PATIENT, Level.STUDY))
@app.on_levels("GET", "/<resource_id>/instances", levels=(Level.PATIENT, Level.STUDY, Level.SERIES))
def show_descendants(resource_id: str) -> Response[str]:
    """List what lies below a resource, expanded unless asked otherwise."""
    request = app.incoming
    below = _relative(request)
    ids = descendant_ids(get_backend(), request.level, resource_id, below)
    return _expanded(request, below, ids, expand=True)


@app.on_levels("GET", "/<resource_id>/patient", levels=(Level.STUDY, Level.SERIES, Level.INSTANCE))
@app.on_levels("GET", "/<resource_id>/study", levels=(Level.SERIES, Level.INSTANCE))
@app.on_levels("GET", "/<resource_id>/series", levels=(Level.INSTANCE,))
def show_ancestor(resource_id: str) -> Response[str]:
    """Show the resource above another one."""
    request = app.incoming
    found = ancestor(get_backend(), request.level, resource_id, _relative(request))
    return json_answer(resource_json(get_backend(), found, tags_form(request, default=TagsForm.SIMPLIFY)))


@app.get("/instances/<instance_id>/file")
def download(instance_id: str) -> Response[Any]:
    """Answer with the DICOM file, converted if the request asks for it."""
    return answer_with_instance(get_backend(), instance_id, app.incoming)


@app.get("/instances/<instance_id>/tags")
def show_tags(instance_id: str) -> Response[Any]:
    """Show the tags of an instance, in the full form unless asked otherwise."""
    request = app.incoming
    form = tags_form(request, default=TagsForm.FULL)
    return answer_with_tags(get_backend(), instance_id, form, request)


@app.get("/instances/<instance_id>/simplified-tags")
def show_simplified_tags(instance_id: str) -> Response[Any]:
    """Show the tags of an instance by their names."""
    return answer_with_tags(get_backend(), instance_id, TagsForm.SIMPLIFY, app.incoming)


@app.on_levels("GET", "/<resource_id>/metadata")
def show_all_metadata(resource_id: str) -> Response[str]:
    """List the names of a resource's metadata, with their values if expanded."""
    request = app.incoming
    numeric = request.flag("numeric")
    found = list_metadata(get_backend(), request.level, resource_id, numeric=numeric)
    if request.flag("expand"):
        return json_answer(found)
    if numeric:
        return json_answer([*sorted(map(int, found))])
    return json_answer([*sorted(found)])


@app.on_levels("GET", "/<resource_id>/metadata/<name>")
def show_metadata(resource_id: str, name: str) -> Response[str]:
    """Show the value of one metadata."""
    request = app.incoming
    return read_answer(request, read_metadata(get_backend(), request.level, resource_id, name))


@app.on_levels("GET", "/<resource_id>/labels")
def show_labels(resource_id: str) -> Response[str]:
    """List the labels of a resource."""
    return json_answer([*list_labels(get_backend(), app.incoming.level, resource_id)])


@app.on_levels("GET", "/<resource_id>/labels/<label>")
def show_label(resource_id: str, label: str) -> Response[str]:
    """Tell by the status whether a resource has a label."""
    return empty_answer(200 if has_label(get_backend(), app.incoming.level, resource_id, label) else 404)


@app.post("/tools/bulk-content")
def show_many() -> Response[str]:
    """Show the resources that the body names."""
    return json_answer(bulk_content(get_backend(), app.incoming.json_object()))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a proxy event of API Gateway."""
    return app.resolve(event, context)
