"""The table of routes: what the API serves, with which function, and in which forms.

The template, docs/openapi.json and docs/compatibility.md follow from it: ``make generated``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dicomorph.http.route_rows import EMPTY, Permission, Row, routes_of

READ, WRITE, DELETE, ADMINISTER = Permission
DICOM, TEXT, HTML = "application/dicom", "text/plain", "text/html"

_FORMS = ("simplify", "short", "full")  # of the tags in an answer
_OF_TAGS = ("ignore-length", "whole")
_FILES = "no transcoding yet"
_REVISIONS = (
    "revisions with `ETag`, `If-Match`, `If-None-Match`; what the server itself keeps stays at revision 0,"
    " its ETag changes with its value"
)
_EDITED = "answers the edited file, stores nothing"
_JOB = "a [job](jobs.md)"
_BULK = "jobs on resources of any level"
_STUDIES = "jobs; `KeepLabels` is honoured"
_ACTIONS = "[what they do](jobs.md#cancel-pause-resume-resubmit)"
_PAST = "not in Orthanc; [how to](uploading.md)"
_OUTPUTS = "no kind of job has outputs: 404"

# A row says what is called, what it does, what it takes and answers. Formatted, it would take ten lines.
TABLE: Mapping[str, tuple[Row, ...]] = {
    "Resources": (
        Row("GET", "/{level}", "browse", READ,
            "List a level: identifiers, or whole resources with `expand`.",
            query=("expand", "since", "limit", *_FORMS), answers=("Identifiers", "{Level}[]", 303),
            remark="`expand`, `since` and `limit`"),
        Row("GET", "/{level}/{id}", "browse", READ,
            "Show one resource.",
            query=_FORMS, answers=("{Level}", 303, 404)),
        Row("DELETE", "/{level}/{id}", "instances", DELETE,
            "Delete a resource; name the lowest ancestor that is left.",
            answers=("RemainingAncestor", 404, 504)),
        Row("GET", "/{level}/{id}/{below}", "browse", READ,
            "List what lies below a resource: whole resources, or identifiers with `expand=false`.",
            query=("expand", *_FORMS), answers=("{Below}[]", "Identifiers", 303),
            remark="children; `expand=false` for ids"),
        Row("GET", "/{level}/{id}/{above}", "browse", READ,
            "Show the resource above another one.",
            query=_FORMS, answers=("{Above}", 303)),
        Row("POST", "/tools/bulk-content", "browse", READ,
            "Show the resources that the body names.",
            body="BulkContent", answers=("Resource[]", 303)),
        Row("POST", "/tools/bulk-delete", "instances", DELETE,
            "Delete the resources that the body names.",
            body="BulkDelete", answers=(EMPTY, 504),
            remark="nothing is deleted unless all items of `Resources` are sound"),
    ),
    "Instances": (
        Row("POST", "/instances", "instances", WRITE,
            "Store the DICOM file in the body.",
            body=DICOM, answers=("Upload",),
            remark="one DICOM file, also gzip-encoded; no ZIP, no multipart yet"),
        Row("GET", "/instances/{id}/file", "browse", READ,
            "Answer with the DICOM file.",
            answers=(DICOM, 303), remark=_FILES),
        Row("GET", "/instances/{id}/tags", "browse", READ,
            "Show the tags of an instance: all about them, or values by number or by name.",
            query=(*_FORMS, *_OF_TAGS), answers=("FullTags", "ShortTags", "SimplifiedTags", 303),
            remark=_FILES),
        Row("GET", "/instances/{id}/simplified-tags", "browse", READ,
            "Show the tags of an instance by their names.",
            query=_OF_TAGS, answers=("SimplifiedTags", 303), remark=_FILES),
    ),
    "Uploads": (
        Row("POST", "/uploads", "uploads", WRITE,
            "Offer an address to which a file of any size is sent.",
            body="Announcement", answers=("OfferedUpload",), remark=_PAST),
        Row("GET", "/uploads/{id}", "uploads", READ,
            "Show how far an upload has come, and what became of it.",
            answers=("ViewedUpload",), remark=_PAST),
        Row("POST", "/uploads/{id}/renew", "uploads", WRITE,
            "Offer the same place for longer; of a file in parts, those that have not been sent.",
            answers=("OfferedUpload",), remark=_PAST),
        Row("POST", "/uploads/{id}/complete", "uploads", WRITE,
            "Make a file of the parts that were sent; show the upload.",
            answers=("ViewedUpload",), remark=_PAST),
        Row("DELETE", "/uploads/{id}", "uploads", DELETE,
            "Give an upload up.",
            answers=(EMPTY,), remark=_PAST),
    ),
    "Metadata and labels": (
        Row("GET", "/{level}/{id}/metadata", "browse", READ,
            "List the names of metadata, or their numbers with `numeric`; with `expand`, the values too.",
            query=("expand", "numeric"), answers=("Names", "Numbers", "Metadata")),
        Row("GET", "/{level}/{id}/metadata/{name}", "browse", READ,
            "Show the value of one metadata.",
            answers=(TEXT, 304, 404), remark=_REVISIONS),
        Row("PUT", "/{level}/{id}/metadata/{name}", "annotations", WRITE,
            "Set a metadata to the body.",
            body=TEXT, answers=(EMPTY, 403), remark=_REVISIONS),
        Row("DELETE", "/{level}/{id}/metadata/{name}", "annotations", DELETE,
            "Delete a metadata.",
            answers=(EMPTY, 403, 404), remark=_REVISIONS),
        Row("GET", "/{level}/{id}/labels", "browse", READ,
            "List the labels of a resource.",
            answers=("Names",)),
        Row("GET", "/{level}/{id}/labels/{label}", "browse", READ,
            "Tell by the status whether a resource has a label.",
            answers=(EMPTY, 404)),
        Row("PUT", "/{level}/{id}/labels/{label}", "annotations", WRITE,
            "Add a label.",
            answers=(EMPTY,)),
        Row("DELETE", "/{level}/{id}/labels/{label}", "annotations", DELETE,
            "Remove a label.",
            answers=(EMPTY,)),
    ),
    "Modification": (
        Row("POST", "/instances/{id}/anonymize", "anonymize_instance", READ,
            "Answer with an anonymized copy of an instance.",
            body="Anonymization", answers=(DICOM, 303), remark=_EDITED),
        Row("POST", "/instances/{id}/modify", "modify_instance", READ,
            "Answer with a modified copy of an instance.",
            body="Modification", answers=(DICOM, 303), remark=_EDITED),
        Row("POST", "/{upper}/{id}/anonymize", "anonymize_resources", DELETE,
            "Anonymize a patient, study or series: answer the content of the finished job, or its id.",
            body="AnonymizationJob", answers=("ModificationContent", "SubmittedJob", 303, 504), remark=_JOB),
        Row("POST", "/{upper}/{id}/modify", "modify_resources", DELETE,
            "Modify a patient, study or series: answer the content of the finished job, or its id.",
            body="ModificationJob", answers=("ModificationContent", "SubmittedJob", 303, 504), remark=_JOB),
        Row("POST", "/tools/bulk-anonymize", "anonymize_resources", DELETE,
            "Anonymize the resources that the body names: answer the content of the job, or its id.",
            body="BulkAnonymization", answers=("BulkModificationContent", "SubmittedJob", 303, 504),
            remark=_BULK),
        Row("POST", "/tools/bulk-modify", "modify_resources", DELETE,
            "Modify the resources that the body names: answer the content of the job, or its id.",
            body="BulkModification", answers=("BulkModificationContent", "SubmittedJob", 303, 504),
            remark=_BULK),
        Row("POST", "/studies/{id}/split", "split_study", DELETE,
            "Move series and instances into a new study: answer the content of the job, or its id.",
            body="Split", answers=("SplitContent", "SubmittedJob", 504), remark=_STUDIES),
        Row("POST", "/studies/{id}/merge", "merge_study", DELETE,
            "Move other resources into a study: answer the content of the job, or its id.",
            body="Merge", answers=("MergeContent", "SubmittedJob", 504), remark=_STUDIES),
    ),
    "Jobs": (
        Row("GET", "/jobs", "jobs", READ,
            "List the identifiers of all jobs, or whole jobs with `expand`.",
            query=("expand",), answers=("JobIdentifiers", "Job[]", 303)),
        Row("GET", "/jobs/{id}", "jobs", READ,
            "Show one job.",
            answers=("Job", 303, 404)),
        Row("DELETE", "/jobs/{id}", "jobs", DELETE,
            "Forget a job that has ended.",
            answers=(EMPTY,)),
        Row("POST", "/jobs/{id}/cancel", "jobs", WRITE,
            "Let a job fail as cancelled.",
            answers=("EmptyObject", 400), remark=_ACTIONS),
        Row("POST", "/jobs/{id}/pause", "jobs", WRITE,
            "Interrupt a job.",
            answers=("EmptyObject", 400), remark=_ACTIONS),
        Row("POST", "/jobs/{id}/resume", "jobs", WRITE,
            "Let a paused job go on.",
            answers=("EmptyObject", 400), remark=_ACTIONS),
        Row("POST", "/jobs/{id}/resubmit", "jobs", WRITE,
            "Let a failed job begin again.",
            answers=("EmptyObject", 400), remark=_ACTIONS),
        Row("GET", "/jobs/{id}/{key}", "jobs", READ,
            "Answer as for a job that has no output of this name, which no kind of job has yet.",
            remark=_OUTPUTS),
        Row("DELETE", "/jobs/{id}/{key}", "jobs", DELETE,
            "Answer as for a job that has no output of this name, which no kind of job has yet.",
            remark=_OUTPUTS),
    ),
    "Server": (
        Row("GET", "/", "system", READ,
            "Show a page that says what this is.",
            answers=(HTML,), remark="Orthanc leads to its own pages"),
        Row("GET", "/system", "system", READ,
            "Describe the server.",
            answers=("System",)),
        Row("GET", "/statistics", "system", READ,
            "Count what is stored.",
            answers=("Statistics",)),
        Row("GET", "/tools/now", "system", READ,
            "Tell the time, in UTC.",
            answers=(TEXT,)),
        Row("GET", "/tools/default-encoding", "system", READ,
            "Name the default encoding.",
            answers=(TEXT,)),
        Row("PUT", "/tools/default-encoding", "system", ADMINISTER,
            "Change the default encoding to the one that the body names.",
            body=TEXT, answers=(TEXT,)),
    ),
}  # fmt: skip
"""By topic, in the order of the documents."""


def each_route() -> Iterator[tuple[str, Row]]:
    """Yield the topic and the row of each route, with the levels filled in."""
    for topic, rows in TABLE.items():
        for row in rows:
            for route in routes_of(row):
                yield topic, route


def _routes() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for _, route in each_route():
        found.setdefault(route.path, {})[route.method] = route.function
    # Where a literal and a parameter would both do, API Gateway takes the literal.
    return dict(sorted(found.items(), key=lambda entry: [part[:1] == "{" for part in entry[0].split("/")]))


ROUTES: Mapping[str, Mapping[str, str]] = _routes()
"""Path, with parameters in braces, to method, to the name of the folder in ``functions/``."""


def allowed_methods(path: str) -> tuple[str, ...]:
    """Return the methods that a path takes, in alphabetical order; none if there is no such path.

    Parameters
    ----------
    path : str
        As requested, without query and without trailing slash.
    """
    asked = path.split("/")
    for route, methods in ROUTES.items():
        parts = route.split("/")
        if len(parts) == len(asked) and all(
            part == given or (part.startswith("{") and given)
            for part, given in zip(parts, asked, strict=True)
        ):
            return tuple(sorted(methods))
    return ()
