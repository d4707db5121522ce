"""The commands of docs/examples.md, each on a fresh store of both deployments, do what stands below them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pydicom
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from dicomorph import bootstrap
from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import Environment
from dicomorph.dicom.standard.tags import format_tag
from dicomorph.model.settings import parse_settings
from local.example_data import FILES
from tests.support.api_client import Answer, Client, InlineRunner
from tests.support.documented_commands import CurlCall, Example, curl_call, read_examples
from tests.support.example_data import upload_examples

PAGE = Path(__file__).parents[2] / "docs/examples.md"
EXAMPLES = read_examples(PAGE.read_text(encoding="utf-8"))
SERVER = "http://127.0.0.1:8042"

# What differs from one run to the next: ids of resources and jobs, UIDs, times.
CHANGING = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{8}){4}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|2\.25\.[0-9]+"
    r"|[0-9]{8}T[0-9]{6}(?:\.[0-9]+)?|(?<=\"EffectiveRuntime\": )[0-9.]+"
)
NAME = re.compile(r"Anonymized\d+")  # the page counts from a new store


class Session:
    """A store with the data of the page, and what the commands so far have done to it."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self.folder = folder
        for name, content in FILES.items():
            (folder / name).write_bytes(content)
        ids, self.sources = upload_examples(client)
        self.variables = {"SERVER": SERVER, **ids}
        self.counts = self._counts()
        self.answer = Answer(0, {}, b"")
        self.output = ""
        self.left: list[Dataset] = []

    def run(self, command: str) -> None:
        if not command.startswith("curl"):  # an assignment
            name, _, value = command.partition("=")
            self.variables[name] = curl_call(f'curl "{value.strip()}"', self.variables, self.folder).url
            return
        call = curl_call(command, self.variables, self.folder)
        self.answer = self._send(call)
        if call.output:
            (self.folder / call.output).write_bytes(self.answer.body)
        self.output = call.output
        if self.answer.headers.get("content-type", "").startswith("application/json"):
            found = self.answer.json
            found = found if isinstance(found, dict) else {}
            new = found.get("ID", found.get("TargetStudy"))
            self.variables |= {"NEW": new} if new else {}
            self.left = [self._read_target(found["Target"], file["Key"]) for file in found.get("Files", ())]

    def _send(self, call: CurlCall) -> Answer:
        assert call.url.startswith(SERVER)
        return self.client.call(call.method, call.url.removeprefix(SERVER), call.body)

    def _read_target(self, name: str, key: str) -> Dataset:
        content = self.client.backend.targets[name].store.get(key)
        assert content is not None
        return read(content)

    def products(self) -> list[Dataset]:
        """Return the file that was answered, or those that left, were stored, or were overwritten."""
        if self.output:
            return [pydicom.dcmread(self.folder / self.output)]
        if self.left:
            return self.left
        stored = self.client.get("/instances").json
        new = [one for one in stored if one not in self.sources]
        found = {one: self.client.get(f"/instances/{one}/file").body for one in new or stored}
        return [read(content) for one, content in found.items() if content != self.sources.get(one)]

    def original(self) -> Dataset:
        return read(self.sources[self.variables["INSTANCE"]])

    def _counts(self) -> str:
        found = self.client.get("/statistics").json
        return ", ".join(
            str(found[f"Count{level}"]) for level in ("Patients", "Studies", "Series", "Instances")
        )

    def check_counts(self, before: str, after: str) -> None:
        assert (self.counts, self._counts()) == (before, after)

    def check_attribute(self, path: str, before: str, after: str) -> None:
        """Compare an attribute of `INSTANCE`, and of all products, with what the page says."""
        assert shown(self.original(), path) == before, path
        known = {shown(read(content), path) for content in self.sources.values()}
        products = self.products()
        assert products
        for product in products:
            found = shown(product, path)
            if after == "new":
                assert found not in {"absent", "empty", *known}, path
            elif after == "same":
                assert found in known, path
            else:
                assert found == after, path


def read(content: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(content))


def element_at(data: Dataset, path: str) -> DataElement | None:
    """Return an element by a path such as ``RequestAttributesSequence[0].RequestedProcedureID``."""
    *parents, last = path.split(".")
    for parent in parents:
        name, index = parent.rstrip("]").split("[")
        items = data.get(name, [])
        if int(index) >= len(items):
            return None
        data = items[int(index)]
    tag = int(last.replace(",", ""), 16) if "," in last else tag_for_keyword(last)
    assert tag is not None, f"{last} is no attribute"
    return data.get(tag)


def shown(data: Dataset, path: str) -> str:
    """Return what the page says of an attribute that is so."""
    element = element_at(data, path)
    if element is None:
        return "absent"
    if element.VR == "SQ":
        return f"{len(element.value)} item{'s' * (len(element.value) != 1)}"
    if element.is_empty:
        return "empty"
    if isinstance(element.value, bytes):
        return shown_bytes(element.value)
    values = element.value if element.VM > 1 else [element.value]
    text = "\\".join(format_tag(one) if element.VR == "AT" else str(one) for one in values)
    return f"`{NAME.sub('Anonymized1', text)}`"


def shown_bytes(content: bytes) -> str:
    """Return the name of the file that was embedded, or the bytes."""
    for name, embedded in FILES.items():
        if content.rstrip(b"\0") == embedded:
            return f"the bytes of `{name}`"
    return f"`{content.hex(' ')}`"


def comparable(document: Any) -> str:
    """Return a JSON document without what differs from one run to the next."""
    return CHANGING.sub("…", json.dumps(document, sort_keys=True, indent=1))


def check(example: Example, session: Session) -> None:
    for command in example.commands:
        session.run(command)
        refused = isinstance(example.answer, dict) and example.answer.get("HttpStatus")
        assert session.answer.status in (0, refused or 200), session.answer.body
    if example.answer is not None:
        assert comparable(session.answer.json) == comparable(example.answer)
    for subject, before, after in example.rows:
        if subject.startswith("`"):
            session.check_attribute(subject.strip("`"), before, after)
        elif subject.startswith("patients"):
            session.check_counts(before, after)
        else:
            assert (before, after) == ("before", "after"), f"{subject} is not understood here"


def settings_of(example: Example, target: str) -> str:
    """Return the settings that an example asks for, with a target that there is here, as JSON."""
    return json.dumps(example.settings).replace("~/research", target)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_does_what_it_says_on_one_machine(
    make_client: Callable[..., Client], tmp_path: Path, example: Example
) -> None:
    settings = parse_settings(json.loads(settings_of(example, str(tmp_path / "research"))))
    client = make_client(**{name: getattr(settings, name) for name in settings.__slots__})
    check(example, Session(client, tmp_path))


def on_aws(client: Client, example: Example) -> Client:
    """Return a client of the same store with the settings that an example asks for."""
    runner = client.backend.runner
    assert isinstance(runner, InlineRunner)
    environment = Environment("index", "dicom", "", settings_of(example, "research"))
    runner.backend = replace(aws_backend(environment), runner=runner)
    bootstrap.use_backend(runner.backend)
    return Client(runner.backend, client.folder)


def storing() -> list[Any]:
    """Return the examples that store something; moto is slow, so that `make test` takes one a section."""
    found: dict[str, list[Any]] = {}
    for example in EXAMPLES:
        if not example.only_answers:
            section = found.setdefault(example.title, [])
            section.append(pytest.param(example, marks=[pytest.mark.slow] * bool(section), id=str(example)))
    return [parameter for section in found.values() for parameter in section]


@pytest.mark.parametrize("example", storing())
def test_an_example_does_what_it_says_on_aws(aws_client: Client, tmp_path: Path, example: Example) -> None:
    if "Targets" in example.settings:
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="research", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.close()
    check(example, Session(on_aws(aws_client, example), tmp_path))


def test_examples_that_store_nothing_do_what_they_say_on_aws(aws_client: Client, tmp_path: Path) -> None:
    session = Session(aws_client, tmp_path)
    for example in EXAMPLES:
        if example.only_answers:
            session.client = on_aws(aws_client, example)
            check(example, session)


def test_every_kind_of_call_has_an_example() -> None:
    numbers = {example.title.split(".")[0] for example in EXAMPLES}
    assert numbers == set("1234567")
