"""How levels lie to one another, and what they are called."""

from __future__ import annotations

from dicomorph.model.resources import LEVEL_NAMES, LEVELS, PARENT_LEVELS, Level


def test_levels_lie_one_above_the_other() -> None:
    assert [level.above for level in LEVELS] == [LEVELS[:number] for number in range(4)]
    assert [level.parent for level in LEVELS] == [None, *PARENT_LEVELS]
    assert [level.child for level in PARENT_LEVELS] == [Level.STUDY, Level.SERIES, Level.INSTANCE]
    assert Level.INSTANCE.child is None


def test_levels_are_named_for_one_and_for_several() -> None:
    assert [level.plural for level in LEVELS] == ["Patients", "Studies", "Series", "Instances"]
    assert [level.path for level in LEVELS] == ["patients", "studies", "series", "instances"]
    assert {name for name, level in LEVEL_NAMES.items() if level is Level.STUDY} == {"study", "studies"}
    assert {name for name, level in LEVEL_NAMES.items() if level is Level.SERIES} == {"series"}
