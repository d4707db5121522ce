"""How a client wants DICOM tags to be written (spec 2.5, "formats")."""

from __future__ import annotations

from typing import TypedDict

from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.http.reading.requests import Request

_FORMS = (("simplify", TagsForm.SIMPLIFY), ("short", TagsForm.SHORT), ("full", TagsForm.FULL))


class TagOptions(TypedDict):
    """Which values of an instance are shown."""

    ignore_length: list[str]
    whole: bool


def tags_form(request: Request, *, default: TagsForm) -> TagsForm:
    """Return the form that an argument asks for, else the default of the route."""
    return next((form for name, form in _FORMS if request.flag(name)), default)


def tag_options(request: Request) -> TagOptions:
    """Return what else the tags of an instance can be asked for; tags are separated by commas."""
    listed = ",".join(request.query.get("ignore-length", []))
    return {"ignore_length": [name for name in listed.split(",") if name], "whole": request.flag("whole")}
