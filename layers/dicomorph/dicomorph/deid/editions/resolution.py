"""How an edition of the profile answers: by an attribute's tag, its path and the SOP class.

The rules of a request (`deid.rules`) stand in front of it; the walkers behind ask once for each tag at
each place. A place is a path that stands for all paths with the same answers, so that an edition
which tells them apart costs more memory, and no more time for each element.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from dicomorph.dicom.engine.edit_plan import Rule

# The sequences around an element, from the top level; () is the top level itself.
Path: TypeAlias = tuple[int, ...]
# The path that stands for every sequence that makes no difference.
ANYWHERE: Path = (0xFFFEE000,)

# RT structure sets refer to a *study* by ReferencedSOPInstanceUID (spec, gotcha G11).
RT_STUDY: Path = (0x30060010, 0x30060012)
RT_PATHS = frozenset({RT_STUDY, RT_STUDY[:1]})


class Resolver(Protocol):
    """One edition. Its answers must depend on nothing but the arguments: they are remembered."""

    @property
    def depends_on_sop_class(self) -> bool:
        """Tell whether `sop_class` makes a difference; it is empty where not."""

    def resolve(self, tag: int, path: Path, sop_class: str, staying: frozenset[int] = frozenset()) -> Rule:
        """Return what happens to an attribute that no request speaks of.

        Parameters
        ----------
        tag : int
            The attribute.
        path : Path
            A place, as `place` returned it.
        sop_class : str
            Of the instance.
        staying : frozenset[int]
            The attributes that a request keeps or writes there, whatever the edition would do.
        """

    def unfit(self, tag: int, path: Path, sop_class: str) -> Rule:
        """Return what happens to a value that its VR cannot hold; KEEP where values are not looked at.

        Parameters
        ----------
        tag : int
            An attribute that is kept where its value fits.
        path : Path
            A place, as `place` returned it.
        sop_class : str
            Of the instance.
        """

    def place(self, path: Path, sop_class: str) -> Path:
        """Return the path that stands for all with the answers that this one has, and below it.

        Parameters
        ----------
        path : Path
            A sequence appended to a place: the walk comes from above, and asks at each step.
        """
