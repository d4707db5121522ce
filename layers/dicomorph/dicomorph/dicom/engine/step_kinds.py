"""What a walker does with an element: the numbers that its loops compare."""

from __future__ import annotations

from dicomorph.dicom.standard.tags import SOP_CLASS_UID, SOP_INSTANCE_UID

# The steps. KEEP_SHORT is 0: the walkers test it first, by truth.
KEEP_SHORT, KEEP_LONG, SEQUENCE, UNKNOWN, STOP = range(5)
DROP_SHORT, DROP_LONG, EDIT_SHORT, EDIT_LONG, CHARACTER_SET = range(5, 10)
REPLACE, EMPTY_SHORT, EMPTY_LONG = range(10, 13)
APPEND = 13  # at the top level: what the plan has is added to what the file has
NOTE = 14  # at the top level: remember the value that the element ends up with, or that it was there
IMAGE = 15  # at the top level when anonymizing: kept, and remembered for the pixel data
PIXELS = 16  # group 7FE0, as far as it stays; in items only when anonymizing
FOLLOW_SHORT = 17  # in items: edited, if what it leads to gets new identifiers
CHECK_SHORT = 18  # kept, if the value is one that its VR can hold
JUDGED = 19  # in items: a private element, before the data set was looked at for whose it is
LOOK_SHORT = 20  # at the top level: kept, and noted for the examiner of the plan (`engine.examination`)
LOOK_DROPPED = 21  # noted, and gone
LOOK_CHECKED = 22  # noted, and kept if the value is one that its VR can hold
LOOK = 23  # noted as well, whatever else happens

CHANGES = frozenset(range(DROP_SHORT, APPEND)) - {CHARACTER_SET}
"""The steps after which an element is another one, or gone."""

NOTED = frozenset((SOP_CLASS_UID, SOP_INSTANCE_UID))  # the file meta information repeats them
