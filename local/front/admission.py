"""Whether a body is taken, asked before anything of it is read or written."""

from __future__ import annotations


def admit(size: int) -> None:
    """Let a body of a size in, or refuse it.

    Called with the declared length before a byte of the body is read, with the sum of what came
    while one in chunks is read, and from any thread.

    Parameters
    ----------
    size : int
        Bytes, so far or altogether.

    Raises
    ------
    DicomorphError
        If it is not taken. The client is answered with this error, whatever it still sends.
    """
    del size  # no limit is known yet
