"""What a walker does with an element: the numbers that its loops compare."""

from __future__ import annotations

from dicomorph.dicom.standard.tags import SOP_CLASS_UID, SOP_INSTANCE_UID

# The steps. KEEP_SHORT is 0: the walkers test it first, by truth.
KEEP_SHORT, KEEP_LONG, SEQUENCE, UNKNOWN, STOP = range(5)
DROP_SHORT, DROP_LONG, EDIT_SHORT, EDIT_LONG, CHARACTER_SET = range(5, 10)
REPLACE, EMPTY_SHORT, EMPTY_LONG = range(10, 13)
NOTE = 13  # at the top level: remember the value that the element ends up with, or that it was there
IMAGE = 14  # at the top level when anonymizing: kept, and remembered for the pixel data
PIXELS = 15  # group 7FE0, as far as it stays; in items only when anonymizing
FOLLOW_SHORT = 16  # in items: edited, if what it leads to gets new identifiers
JUDGED = 17  # in items: a private element, before the data set was looked at for whose it is

CHANGES = frozenset(range(DROP_SHORT, NOTE)) - {CHARACTER_SET}
"""The steps after which an element is another one, or gone."""

NOTED = frozenset((SOP_CLASS_UID, SOP_INSTANCE_UID))  # the file meta information repeats them
