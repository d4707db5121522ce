"""What to do with each element of a data set, as the rewriter asks for it.

A plan is a tree of scopes: the top level, and the items of each sequence. A scope answers
for a tag; the rewriter remembers the answers, so a scope may take its time.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from dicomorph.dicom.engine.examination import Examiner
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.engine.private_blocks import PrivateClaims
from dicomorph.dicom.engine.private_contents import PrivateContents
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.resources import Json


class Action(enum.Enum):
    """What happens to an element that exists."""

    KEEP = "keep"
    REMOVE = "remove"
    EMPTY = "empty"
    MAP = "map"
    REPLACE = "replace"
    FOLLOW = "follow"  # a reference: changed where what it leads to gets new identifiers
    DUMMY = "dummy"  # something that is valid and says nothing of the original takes its place
    APPEND = "append"  # what the plan has for the tag is added to what the file has
    JUDGE = "judge"  # a private element: by its creator, which its data set tells (`Scope.judge`)


class DummyKind(enum.Enum):
    """What a dummy is made of."""

    NOTHING = "nothing"  # no value, whatever the VR and wherever it stands; no items for a sequence
    CONSTANT = "constant"  # the dummy of the VR
    KEYED = "keyed"  # a keyed function of the original, so that entities stay apart
    VALUE = "value"  # a value of the rule's own: items of a sequence, say
    AGE_CAP = "age cap"  # the age itself up to 89 years, 090Y above
    TERM = "term"  # of the original what is among the rule's terms, in any case, or else the first of these
    ICC_PROFILE = "ICC profile"  # the same colours without the words around them


class Dummy(NamedTuple):
    """What takes the place of a value that goes.

    Parameters
    ----------
    kind : DummyKind
        What it is made of.
    value : Json
        For `DummyKind.VALUE`: as requests write it. For `DummyKind.TERM`: a list of ASCII texts.
    """

    kind: DummyKind
    value: Json = None


class Rule(NamedTuple):
    """An action, for `Action.MAP` what the value identifies, and for `Action.DUMMY` what is written."""

    action: Action
    namespace: Namespace | None = None
    dummy: Dummy | None = None


KEEP = Rule(Action.KEEP)
REMOVE = Rule(Action.REMOVE)
EMPTY = Rule(Action.EMPTY)
REPLACE = Rule(Action.REPLACE)
FOLLOW = Rule(Action.FOLLOW)
JUDGE = Rule(Action.JUDGE)
NO_VALUE = Rule(Action.DUMMY, dummy=Dummy(DummyKind.NOTHING))
DUMMY = Rule(Action.DUMMY, dummy=Dummy(DummyKind.CONSTANT))
KEYED = Rule(Action.DUMMY, dummy=Dummy(DummyKind.KEYED))
AGE_CAP = Rule(Action.DUMMY, dummy=Dummy(DummyKind.AGE_CAP))
ICC_PROFILE = Rule(Action.DUMMY, dummy=Dummy(DummyKind.ICC_PROFILE))
APPEND = Rule(Action.APPEND)


class Verdicts(NamedTuple):
    """What happens to the private elements of one data set. Hashable.

    Parameters
    ----------
    owners : tuple[tuple[int, str], ...]
        The blocks of which something stays, with their creators; everything else goes.
    exceptions : tuple[tuple[int, Rule], ...]
        Elements of these with which something else happens than `PrivateJudge.rule` says.
    described : frozenset[tuple[int, str]]
        Groups and creators of blocks that the data set describes (`engine.block_characteristics`),
        and of which nothing stays but what the judge let stay.
    inside : PrivateJudge
        Who judges in the items of the data set.
    """

    owners: tuple[tuple[int, str], ...]
    exceptions: tuple[tuple[int, Rule], ...]
    described: frozenset[tuple[int, str]]
    inside: PrivateJudge

    @property
    def weight(self) -> int:
        """How much there is to remember."""
        return len(self.owners) + len(self.exceptions)


class PrivateJudge(Protocol):
    """Tells which private elements stay where a scope says `Action.JUDGE`. Equal if it judges alike."""

    def judge(self, contents: PrivateContents, stays: Callable[[int], bool | None]) -> Verdicts:
        """Judge one data set.

        Parameters
        ----------
        contents : PrivateContents
            Its private elements.
        stays : Callable[[int], bool | None]
            Tells what stays, or goes, whatever the judge says; None where that is for it to say.
        """

    def rule(self, tag: int, creator: str) -> Rule:
        """Return what happens to an element in the block of a creator, as far as its tag tells."""


class Scope(Protocol):
    """The rules for the elements of data sets that one kind of path leads to. Hashable."""

    def rule(self, tag: int) -> Rule:
        """Return what happens to an element; for a kept sequence `of_item` decides on its items."""

    def of_item(self, tag: int, index: int) -> Scope | None:
        """Return the rules for an item of a kept sequence, None if nothing in it changes."""

    def differs_by_index(self, tag: int) -> bool:
        """Tell whether the items of a sequence follow different rules."""

    def follows(self, tag: int) -> bool:
        """Tell whether the references in the items of a kept sequence follow what they lead to."""

    @property
    def replacements(self) -> Mapping[int, Json]:
        """The values of `Action.REPLACE` inside items, inserted where the element is absent."""

    @property
    def looks_ahead(self) -> bool:
        """Whether what happens depends on elements further on in the data set (`engine.preview`)."""

    @property
    def claims(self) -> PrivateClaims | None:
        """The private tags that are named here and meant by their creator, None if there are none."""

    @property
    def judge(self) -> PrivateJudge | None:
        """Who decides where a rule says `Action.JUDGE`, None where none does, or all is decided."""

    @property
    def written_as(self) -> Mapping[int, int | None]:
        """Tags of replacements that a request calls otherwise; None for the private creator of a block."""

    @property
    def checks_values(self) -> bool:
        """Whether kept values go that their VR cannot hold (`engine.fitting_values`)."""

    def unfit(self, tag: int) -> Rule:
        """Return what happens to a kept element with such a value; `Action.KEEP` if nobody looks at it."""

    @property
    def cleans_frames(self) -> bool:
        """Whether comments leave compressed images in items, such as icons."""

    @property
    def learnt(self) -> MutableMapping[Encoding, Any]:
        """Room for what the walkers make of the rules; it lives as long as the scope.

        Its content is theirs alone: `engine.steps` narrows it.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPlan:
    """The compiled form of a request: the same for every instance of a job.

    Parameters
    ----------
    root : Scope
        The rules of the top level. It knows no values, so that requests alike in all else share
        it, and with it what the walkers learnt.
    root_of_class : Callable[[str], Scope], optional
        Given where the rules depend on the SOP class: the root for one.
    replace : Mapping[int, Json]
        The values of `Action.REPLACE` at the top level, inserted where the element is absent.
    default : Mapping[int, Json]
        Top-level values for files that lack the element.
    required : frozenset[int]
        Tags that exist afterwards even where they were absent: those of `default`, and with a
        mapped value the UIDs of the levels that get new identifiers.
    encoder : ValueEncoder
        Writes replacement values.
    references : Mapping[int, Namespace]
        Replaced identifiers whose references follow: where a nested value equals the
        top-level original in that namespace, it takes the replacement.
    appended : Mapping[int, Json]
        The values of `Action.APPEND` at the top level, inserted where the element is absent. Text gets
        those that it lacks, a sequence the items whose CodeValue and CodingSchemeDesignator it lacks.
    one_namespace : bool
        Whether new UIDs come from one namespace, and registered ones stay (`IdentityMapper`).
    is_anonymization : bool
        Whether nothing of the original container may survive (PS3.15 E.1.1).
    looks_ahead : bool
        Whether what happens depends on elements further on in the file (`engine.preview`).
    writes_beyond_ascii : bool
        Whether there is text beyond ASCII among the values.
    redeclares : bool
        Whether a file gets another character set where its own lacks what is written, and where
        the text that stays reads the same in both.
    examiner : Examiner, optional
        Says of a file why its pixels may show who the patient is, or refuses it.
    """

    root: Scope
    replace: Mapping[int, Json]
    default: Mapping[int, Json]
    required: frozenset[int]
    encoder: ValueEncoder
    references: Mapping[int, Namespace]
    is_anonymization: bool
    looks_ahead: bool = False
    writes_beyond_ascii: bool = False
    redeclares: bool = False
    examiner: Examiner | None = None
    root_of_class: Callable[[str], Scope] | None = None
    appended: Mapping[int, Json] = field(default_factory=dict)
    one_namespace: bool = False

    def of_class(self, sop_class: str) -> EditPlan:
        """Return the plan with the rules for one SOP class."""
        if self.root_of_class is None:
            return self
        return dataclasses.replace(self, root=self.root_of_class(sop_class), root_of_class=None)
