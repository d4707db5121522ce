"""A file that goes past the API, on any server."""

from __future__ import annotations

from http import HTTPStatus

from tools.smoke.calls import ok
from tools.smoke.steps import Run, expect, step

_SIZE = 12_000_000  # bytes; more than the gateway takes


@step("uploads past the API")
def uploads_past_the_api(run: Run) -> str:
    """Send a file to where it was offered a place, wait until it is taken in, and fetch it."""
    content = run.make.image("U", size=_SIZE)
    offer = ok(run.client.post("/uploads", {"Size": len(content)})).json
    offer = ok(run.client.post(f"{offer['Path']}/renew", {})).json
    shorter = run.client.transport("PUT", offer["Url"], content[:-1], {})
    expect(shorter.status >= HTTPStatus.BAD_REQUEST, "a file of another size was taken")
    ok(run.client.transport("PUT", offer["Url"], content, offer["Headers"]))
    ok(run.client.post(f"{offer['Path']}/complete", {}))
    found = run.client.taken_in(offer["Path"])
    expect(found["State"] == "Success", f"the upload is {found['State']}: {found.get('ErrorDetails')}")
    run.stored += 1
    expect(
        ok(run.client.get(f"{found['Content']['Path']}/file")).body == content, "the file came back changed"
    )
    given_up = ok(run.client.post("/uploads", {"Size": 1})).json["Path"]
    ok(run.client.call("DELETE", given_up))
    ok(run.client.get(given_up), HTTPStatus.NOT_FOUND)
    return f"{len(content) / 1e6:.1f} MB, the same bytes"
