"""AWS as moto 5.2.5 mocks it, with the same answers in less time.

A mocked call takes milliseconds of looking up names and copying tables; most tests on AWS are made of
such calls. What is wrong with moto's answers is none of this module's (`tests.workflows.moto_faults`).
"""

from __future__ import annotations

import copy
import functools
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.loaders import JSONFileLoader, Loader
from botocore.useragent import UserAgentString
from moto import mock_aws
from moto.backends import get_backend
from moto.core import responses, utils
from moto.core.base_backend import BaseBackend
from moto.core.common_models import BaseModel
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.s3.models import FakeKey, FakeMultipart

from dicomorph.aws.index import catalogue
from tests.support.moto_copies import copy_as_s3_does

_TRANSACTION = threading.Lock()  # so that nobody takes what is about to be undone for what is there


@contextmanager
def quick_aws(config: Any = None, *, empty_partitions: bool = False) -> Iterator[None]:
    """Mock AWS.

    Parameters
    ----------
    config : Any, optional
        Moto's.
    empty_partitions : bool
        Whether to query partitions of the index in which there is nothing, as on AWS.
    """
    with mock_aws(config=config), pytest.MonkeyPatch.context() as patch:
        read_models_once(patch)
        send_as_it_is(patch)
        list_methods_once(patch)
        take_names_as_they_are(patch)
        copy_what_a_transaction_writes(patch)
        forget_what_is_gone(patch)
        read_one_partition(patch)
        copy_as_s3_does(patch)
        if not empty_partitions:
            query_what_is_there(patch)
        yield


def read_models_once(patch: pytest.MonkeyPatch) -> None:
    """Remember botocore's models of the services: each mocked AWS has a session, which reads them anew.

    So it does with the folders of all 400 of them, whichever is asked for.
    """
    patch.setattr(JSONFileLoader, "load_file", lambda _, path: _model(path))
    patch.setattr(Loader, "list_available_services", lambda _, type_name: _services(type_name))


@functools.cache
def _model(path: str, load_file: Callable[..., Any] = JSONFileLoader.load_file) -> Any:
    return load_file(JSONFileLoader(), path)


@functools.cache
def _services(type_name: str, listed: Callable[..., list[str]] = Loader.list_available_services) -> list[str]:
    return listed(Loader(), type_name)


def send_as_it_is(patch: pytest.MonkeyPatch) -> None:
    """Sign nothing, and do not say who asks with what: moto looks at neither, and each takes its time."""
    patch.setattr(SigV4Auth, "canonical_request", lambda *_: "")
    patch.setattr(UserAgentString, "rebuild_and_replace_user_agent_handler", lambda *_, **__: None)


def list_methods_once(patch: pytest.MonkeyPatch) -> None:
    """Remember the operations of a service and its addresses: moto lists both for each call."""
    patch.setattr(responses, "method_names_from_class", functools.cache(utils.method_names_from_class))
    patch.setattr(BaseBackend, "urls", property(_urls_of))


_list_urls = vars(BaseBackend)["urls"].fget
_urls: dict[type, Any] = {}


def _urls_of(backend: BaseBackend) -> Any:
    if type(backend) not in _urls:
        _urls[type(backend)] = _list_urls(backend)
    return _urls[type(backend)]


def take_names_as_they_are(patch: pytest.MonkeyPatch) -> None:
    """Look for a member of DynamoDB's answers by its name alone: moto tries five other spellings."""
    possible_keys = XFormedAttributePicker.get_possible_keys

    def keys(picker: XFormedAttributePicker, context: AttributePickerContext) -> Iterable[str]:
        service = context.service_model
        if type(context.obj) is dict and service is not None and service.service_name == "dynamodb":
            return (context.key,)
        return possible_keys(picker, context)

    patch.setattr(XFormedAttributePicker, "get_possible_keys", keys)


def copy_what_a_transaction_writes(patch: pytest.MonkeyPatch) -> None:
    """Let a transaction put aside the partitions that it writes, once: moto copies the table for each action.

    All copies are made before the first action, and what a failure leaves waits long to be collected.
    """
    transact = DynamoDBBackend.transact_write_items
    written: list[dict[str, Any]] = []
    made: dict[int, Table] = {}

    def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        with _TRANSACTION:
            written[:] = [action for item in transact_items for action in item.values()]
            try:
                transact(backend, transact_items)
            finally:
                written.clear()
                made.clear()

    def copied(table: Table, memo: dict[int, Any]) -> Table:
        if id(table) in made:
            return made[id(table)]
        found = copy.copy(table)
        if written:
            made[id(table)] = found
        attribute = table.hash_key_attr
        keys = [DynamoType((action.get("Key") or action["Item"])[attribute]) for action in written]
        found.items = table.items.copy()
        found.items.update({key: copy.deepcopy(found.items[key], memo) for key in keys})
        return found

    patch.setattr(DynamoDBBackend, "transact_write_items", transact_write_items)
    patch.setattr(Table, "__deepcopy__", copied, raising=False)


def forget_what_is_gone(patch: pytest.MonkeyPatch) -> None:
    """Remember no item, table or copy of one that is not used any more, as moto does: a test took 16 GB.

    Objects of S3 it has to remember, since it closes their files in the end.
    """

    def made(cls: type[BaseModel], *_: Any, **__: Any) -> BaseModel:
        instance: BaseModel = object.__new__(cls)
        if issubclass(cls, FakeKey | FakeMultipart):
            cls.instances_tracked.append(instance)  # type: ignore[union-attr]
        return instance

    patch.setattr(BaseModel, "__new__", staticmethod(made))


def read_one_partition(patch: pytest.MonkeyPatch) -> None:
    """Let a query of a table look at its partition: moto sorts the whole table for it."""
    query = Table.query
    signature = inspect.signature(query)

    def query_partition(*args: Any, **options: Any) -> Any:
        call = signature.bind(*args, **options)
        if call.arguments.get("index_name") is None:
            table, partition = copy.copy(call.arguments["self"]), call.arguments["hash_key"]
            table.items = {partition: table.items.get(partition, {})}
            call.arguments["self"] = table
        return query(*call.args, **call.kwargs)

    patch.setattr(Table, "query", query_partition)


def query_what_is_there(patch: pytest.MonkeyPatch) -> None:
    """Query one empty partition at most: a series and a listing have sixteen, and tests few instances."""
    for name in ("child_partitions", "listings"):
        patch.setattr(catalogue, name, _held(getattr(catalogue, name)))


def _held(partitions: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def held(*args: Any) -> list[str]:
        every = partitions(*args)
        with _TRANSACTION:
            filled = set(_partitions())
        return [name for name in every if name in filled] or every[:1]

    return held


def _partitions() -> Iterator[str]:
    """Yield the partitions of all tables and of their secondary indexes that have items."""
    # Lists are taken at once: other threads write meanwhile.
    for account in list(get_backend("dynamodb").values()):
        for backend in list(account.values()):
            for table in list(backend.tables.values()):
                indexes = [index.schema[0]["AttributeName"] for index in table.global_indexes]
                for partition, items in list(table.items.items()):
                    if items:
                        yield partition.value
                    for item in list(items.values()):
                        yield from (item.attrs[name].value for name in indexes if name in item.attrs)
