"""The rewriter: a plan and a file in, an edit script out.

Data set, item, value field, value length, undefined length: as in PS3.5 7.1 and 7.5. The rest
are words of this package:

plan
    What becomes of a file under a request, the same for all files of a job (`edit_plan`).
rule
    What happens to an element: an action, and what its value identifies if it is mapped.
scope
    The rules for the data sets at one kind of place: the top level, which is the data set of
    the file, or items of a sequence. A scope leads to those of the items in it (`of_item`).
claims
    The private tags that a request names in a scope, with their creators (`private_blocks`).
preview
    A look at the elements of a data set before it is walked, where a scope needs it (`preview`).
relocation
    What these tags are called in one data set; a scope that is asked by them is *relocated*.
step
    A rule as a number, by the bytes of tag and VR: its *key* (`steps`).
encoded scope
    A scope under one character set and one encoding, with what is remembered (`encoded_scope`).
walker
    A function that goes through a sequence or item and answers with its parts (`item_edits`).
part
    New bytes, or a range of the file; parts in order are an *edit script* (`stream.edit_script`).
run
    Bytes that stay, up to the next change: copied as one part, never element by element.
window
    The bytes of the file that are at hand; it moves along (`stream.windows`).
"""
