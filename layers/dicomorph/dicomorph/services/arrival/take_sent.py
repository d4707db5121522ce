"""Taking in what a client has sent to an address of the server itself (embedded): a file, or an archive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from dicomorph.deid.editions.allow_list_file import unread_allow_list
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import BadRequestError, InexistentTagError, TransientError
from dicomorph.ports.arrivals import Arrived
from dicomorph.services.arrival.archive import is_archive
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Continued
from dicomorph.services.arrival.rules import UPLOADS, ArrivalRules
from dicomorph.services.arrival.take import take
from dicomorph.services.arrival.take_archive import Portion
from dicomorph.services.backend import Backend
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.store.uploaded_file import UploadedFile
from dicomorph.services.uploads.settle import refused, settle, stored


def take_sent(
    backend: Backend, upload_id: str, file: bytes | Path, *, remote_ip: str, seconds_left: Callable[[], float]
) -> Sequence[str]:
    """Store what was sent, and write down what became of it; return the id of what was stored.

    An archive is worked off as one that arrives by itself, with an event of the access trail for each
    member; its ids are not returned. What cannot be taken is not kept: the client has it.

    Parameters
    ----------
    seconds_left : Callable[[], float]
        For how long anybody waits for that; asked between members of an archive.

    Raises
    ------
    StorageFullError, TransientError
        If it could not be stored for now: the upload is still waited for.
    """
    try:
        if _take_archive(backend, upload_id, file, seconds_left):
            return ()
        answer = store_instance(backend, file, remote_ip=remote_ip)
    except (BadRequestError, InexistentTagError) as error:
        settle(backend, upload_id, refused(error))
        return ()
    settle(backend, upload_id, stored(answer))
    return (str(answer["ID"]),)


def _take_archive(
    backend: Backend, upload_id: str, file: bytes | Path, seconds_left: Callable[[], float]
) -> bool:
    """Work off an archive; tell whether it is one."""
    sent = UploadedFile(file, backend.objects.scratch)
    with closing(sent.open()) as source:
        if not is_archive(source):
            return False
    rules = ArrivalRules(backend.settings, unread_allow_list)  # none is for what clients send
    door = Door(backend=backend, arrivals=_Sent(sent), rejected=None, rules=rules, source="upload")
    arrived = Arrived(f"{UPLOADS}{upload_id}", "", upload_id)
    if isinstance(take(door, arrived, portion=_WhileWaited(seconds_left)), Continued):
        raise TransientError("Nobody waited for the rest of the archive")
    return True


class _WhileWaited(Portion):
    """All of an archive, as long as anybody waits for it."""

    def __init__(self, seconds_left: Callable[[], float]) -> None:
        super().__init__()
        self._seconds_left = seconds_left

    @property
    def is_spent(self) -> bool:
        """Whether nobody does any more."""
        return self._seconds_left() <= 0


class _Sent:
    """The port `Arrivals` over one file, which whoever has received it deletes."""

    def __init__(self, sent: UploadedFile) -> None:
        self._sent = sent

    def open(self, _arrived: Arrived) -> Source:
        return self._sent.open()

    def remove(self, _arrived: Arrived) -> None:
        pass
