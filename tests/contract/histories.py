"""Random histories of an index: what is done to it, and all that can be read of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from dicomorph.model.errors import DicomorphError
from dicomorph.model.metadata_names import OF_MAIN_TAGS, ORIGINS
from dicomorph.model.resources import (
    LEVELS,
    Ancestry,
    InstanceEntry,
    Level,
    LevelFacts,
    ObjectRef,
    Pin,
    Resource,
)
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index, Removal
from tests.contract.indexes import entry

_TREE: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "0p": {"0t": {"0s": ("0i", "1i"), "1s": ("0j",)}, "1t": {"0r": ("1j",)}},
    "1p": {"0u": {"1r": ("0k", "1k")}},
    "0q": {"1u": {"0v": ("0l",)}},
}
SHARDS = "01"
"""The first digits of these identifiers, to be put for those that the index knows: each is a query."""

_LINEAGES = [
    Ancestry(patient, study, series, instance)
    for patient, studies in _TREE.items()
    for study, several in studies.items()
    for series, instances in several.items()
    for instance in instances
]
_IDS = {level: sorted({lineage.at(level) for lineage in _LINEAGES}) for level in LEVELS}
_RESOURCES = [(level, resource_id) for level in LEVELS for resource_id in _IDS[level]]
_ALL = [resource_id for _, resource_id in _RESOURCES]
_MD5 = {"1": "c4ca", "2": "c81e", "3": "c4ca", "4": ""}
"""Of each version of an instance: two are the same, one is not known."""

_COUNTERS = _PROPERTIES = ("A", "B")


@dataclass(frozen=True)
class Step:
    """One call of a port, such as ``Step("eraser", "remove", (Level.STUDY, "0t"))``."""

    role: str
    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def take(self, index: Index) -> object:
        """Return what an index answers, or the class of its error."""
        call: Callable[..., object] = getattr(getattr(index, self.role), self.method)
        try:
            answer = call(*self.arguments, **self.options)
        except DicomorphError as error:
            return type(error)
        if isinstance(answer, Removal):  # the objects are in any order
            return replace(answer, objects=sorted(answer.objects, key=lambda ref: ref.key))
        return answer


def resources(index: Index) -> list[Resource]:
    """Return all resources of an index."""
    return sorted(index.catalogue.find_many(_ALL), key=_id)


def everything(index: Index) -> dict[str, object]:
    """Return all that can be read of an index, at least once in each way that there is to read it."""
    catalogue, properties = index.catalogue, index.properties
    found = resources(index)
    parents = [(one.level, one.id) for one in found if one.level is not Level.INSTANCE]
    some = [*{one.level: one.id for one in found}.items(), (Level.SERIES, "0x")]
    return {
        "of a level": [sorted(catalogue.get_many(level, _ALL), key=_id) for level in LEVELS],
        "one of each": [catalogue.get(*one) for one in some],
        "children": [catalogue.children(*one) for one in [*parents, *some]],
        "pins": [sorted(catalogue.pins(*one), key=_instance) for one in some],
        "pins of many": sorted(catalogue.pins_of(_ALL), key=_instance),
        "ids": [catalogue.ids(level) for level in LEVELS],
        "page": catalogue.ids(Level.INSTANCE, since=1, limit=2),
        "statistics": catalogue.statistics(),
        "properties": [properties.read_property(name) for name in _PROPERTIES],
        "counters": [properties.next_number(name) for name in _COUNTERS],
    }


def _id(resource: Resource) -> str:
    return resource.id


def _instance(pin: Pin) -> str:
    return pin.ancestry.instance


_texts = st.sampled_from(["x", "y", "z", "", "\udc80"])
_label_sets = st.frozensets(st.sampled_from("abc"), max_size=2)
_versions = st.sampled_from(sorted(_MD5))
_lineages = st.sampled_from(_LINEAGES[:4]) | st.sampled_from(_LINEAGES)
"""More often of the first patient: what is done there meets."""

_resources = st.sampled_from(_RESOURCES)


def _metadata(*names: str) -> SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(names), _texts, max_size=3)


def _by_level(of_level: SearchStrategy[Any]) -> SearchStrategy[dict[Level, Any]]:
    return st.fixed_dictionaries(dict.fromkeys(LEVELS, of_level))


@st.composite
def _objects(draw: st.DrawFn, instance: str) -> ObjectRef:
    """Draw a version of an instance, and one of the two that S3 may have of it."""
    version = draw(_versions)
    return ObjectRef(f"instances/00/{instance}/{version}.dcm", draw(st.sampled_from("ab")), int(version))


@st.composite
def _entries(draw: st.DrawFn) -> InstanceEntry:
    lineage = draw(_lineages)
    ref = draw(_objects(lineage.instance))
    one = entry(
        metadata=draw(_by_level(_metadata("1024", "RemoteAET", *ORIGINS, *OF_MAIN_TAGS))),
        tags=draw(_texts),
        labels=draw(_by_level(_label_sets)),
    )
    uploaded = st.none()
    replaces = draw(uploaded | uploaded | uploaded | _objects(lineage.instance))
    return replace(one, ancestry=lineage, object=ref, md5=_MD5[str(ref.size)], replaces=replaces)


@st.composite
def _pins(draw: st.DrawFn) -> Pin:
    lineage = draw(_lineages)
    return Pin(lineage, draw(_objects(lineage.instance)))


@st.composite
def _refreshes(draw: st.DrawFn) -> Step:
    tags = {"0010,0010": draw(_texts)}
    facts = LevelFacts(tags, draw(_metadata(*OF_MAIN_TAGS, "RemoteAET")), {"0010,0020": draw(_texts)})
    return Step("annotations", "refresh", (*draw(_resources), facts))


@st.composite
def _metadata_changes(draw: st.DrawFn) -> Step:
    name = draw(st.sampled_from(["1024", "1024", "1025", "ModifiedFrom", "LastUpdate"]))
    place = (*draw(_resources), name)
    if draw(st.booleans()):
        return Step("annotations", "remove_metadata", place, {"expected": draw(st.sampled_from([0, 1, 2]))})
    expected = draw(st.sampled_from([None, 0, 1, 2]))
    return Step("annotations", "set_metadata", (*place, draw(_texts)), {"expected": expected})


_additions = st.builds(
    lambda entries, overwrite: Step("ingest", "add", (entries,), {"overwrite": overwrite}),
    st.lists(_entries(), max_size=6),
    st.sampled_from([OverwriteInstances.ALWAYS, *OverwriteInstances]),
)
_removals = st.builds(lambda one: Step("eraser", "remove", one), _resources)
_pinned_removals = st.builds(
    lambda pins: Step("eraser", "remove_instances", (pins,)), st.lists(_pins(), max_size=5)
)
_labellings = st.builds(
    lambda one, add, remove: Step("annotations", "set_labels", one, {"add": add, "remove": remove}),
    _resources,
    _label_sets,
    _label_sets,
)
_counts = st.builds(lambda name: Step("properties", "next_number", (name,)), st.sampled_from(_COUNTERS))
_properties = st.builds(
    lambda name, text: Step("properties", "write_property", (name, text)),
    st.sampled_from(_PROPERTIES),
    st.sampled_from("xy"),
)

_any_steps = st.one_of(
    _additions,
    _additions,
    _additions,
    _removals,
    _pinned_removals,
    _refreshes(),
    _refreshes(),
    _metadata_changes(),
    _metadata_changes(),
    _labellings,
    _counts | _properties,
)
HISTORIES = st.builds(
    lambda first, others: [first, *others], _additions, st.lists(_any_steps, min_size=6, max_size=12)
)
