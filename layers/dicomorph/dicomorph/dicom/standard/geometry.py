"""Numbers that say where things are, how large and how many: a made-up one would be a wrong measure.

From PS3.3: image planes, pixel measures, detectors, slides, and everything of radiotherapy.
"""

from __future__ import annotations

from typing import Final

_RADIOTHERAPY: Final = frozenset((0x3004, 0x3006, 0x3008, 0x300A, 0x300C))  # groups: dose, structures, plans
_IMAGES: Final = frozenset(
    (
        *(0x00180050, 0x00180088, 0x00181100, 0x00181110, 0x00181111, 0x00181114, 0x00181120, 0x00181121),
        *(0x00181130, 0x00181143, 0x00181144, 0x00181162, 0x00181164, 0x00181510, 0x00181511, 0x00181530),
        *(0x00181531, 0x00182003, 0x00182004, 0x00182005, 0x00182010, 0x00185050, 0x0018701A, 0x00187022),
        *(0x00187030, 0x00187032),
        *(0x00200030, 0x00200032, 0x00200035, 0x00200037, 0x00200050, 0x00201041),
        *(0x00280008, 0x00280030, 0x00280034, 0x00281052, 0x00281053, 0x00289520),
        *(0x0040072A, 0x0040073A, 0x0040074A, 0x00480102, 0x00540200, 0x00700101, 0x00700102),
    )
)


def is_geometry(tag: int) -> bool:
    """Tell whether a number is part of the geometry of an object."""
    return tag in _IMAGES or tag >> 16 in _RADIOTHERAPY
