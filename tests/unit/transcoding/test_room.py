"""Memory that all conversions of a process share."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dicomorph.dicom.stream.source import BufferSource, MemoryScratch, Source
from dicomorph.model.errors import StorageFullError
from dicomorph.transcoding import in_order as module
from dicomorph.transcoding.in_order import in_order
from dicomorph.transcoding.room import FRAMES, Room
from dicomorph.transcoding.transcode import Target, transcode
from tests.dicom_factory import EXPLICIT
from tests.support.pixel_kinds import KINDS
from tests.support.transcoded import RLE, transcoded

GRAY = KINDS["8 bits"]


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize(("each", "room"), [(1, 1), (2, 5), (7, 5), (1, 100)])
def test_who_works_at_the_same_time_takes_no_more_than_there_is(
    most: int, each: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cores", lambda: 4)
    lock, held, peak = threading.Lock(), 0, 0
    shared = Room(room)

    def items() -> Iterator[int]:
        nonlocal held, peak
        for number in range(40):
            with lock:
                held += 1
                peak = max(peak, held)
            yield number

    def convert(_: int) -> list[int]:
        nonlocal held
        found = []
        for result in in_order(lambda one: one, items(), most_in_flight=most, room=shared, size=each):
            found.append(result)
            with lock:
                held -= 1
        return found

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(convert, range(8))) == [list(range(40))] * 8
    assert peak <= max(1, room // each)
    assert shared.try_take(room)


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("failing", ["work", "item", "taker"])
def test_what_fails_gives_back_what_it_took(failing: str, most: int) -> None:
    room = Room(10)

    def items() -> Iterator[int]:
        yield from range(5)
        if failing == "item":
            raise ValueError
        yield from range(5)

    def work(item: int) -> int:
        if failing == "work" and item == 4:
            raise ValueError
        return item

    def take() -> None:
        for result in in_order(work, items(), most_in_flight=most, room=room, size=3):
            if failing == "taker" and result == 4:
                raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        take()
    assert room.try_take(10)


def test_who_came_first_is_served_first() -> None:
    room, served = Room(10), list[int]()
    room.take(10)

    def wait(size: int) -> None:
        room.take(size)
        served.append(size)
        room.give_back(size)

    threads = []
    for size in (10, 9, 8):
        threads.append(threading.Thread(target=wait, args=(size,)))
        threads[-1].start()
        while room.waiting < len(threads):
            pass
    room.give_back(4)
    assert not room.try_take(1)
    room.give_back(6)
    for thread in threads:
        thread.join()
    assert served == [10, 9, 8]


def test_a_conversion_leaves_all_of_the_room_to_the_next_one() -> None:
    transcoded(transcoded(GRAY.file(GRAY.array()), RLE), "1.2.840.10008.1.2.4.80")
    assert FRAMES.try_take(FRAMES.size)
    FRAMES.give_back(FRAMES.size)


class FullScratch(MemoryScratch):
    """Space that ends after the first frame."""

    def keep(self, pieces: Iterable[bytes]) -> Source:
        for _ in pieces:
            raise StorageFullError("No space")
        return super().keep(pieces)


@pytest.mark.parametrize("target", ["1.2.840.10008.1.2.4.80", EXPLICIT])
def test_an_error_that_somebody_keeps_holds_no_memory_for_frames(target: str) -> None:
    source = BufferSource(transcoded(GRAY.file(GRAY.array()), RLE), FullScratch())
    with pytest.raises(StorageFullError) as kept:
        transcode(source, Target(target))
    assert FRAMES.try_take(FRAMES.size)
    FRAMES.give_back(FRAMES.size)
    assert kept.tb is not None
