"""Shared memory through which processes hand over arrays: nothing is pickled but where they lie.

A batch for a graphics card is thirty megabytes. Pickled through a pipe of 64 KiB it is copied five times and
keeps sender and receiver busy for longer than a card needs to learn from it; here the sender copies once, the
receiver once.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from multiprocessing.context import SpawnContext
from multiprocessing.queues import Queue as ProcessQueue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

_ALIGNMENT = 64


class Place(NamedTuple):
    """The place of an array in its slot."""

    offset: int
    shape: tuple[int, ...]
    kind: str


class Parcel(NamedTuple):
    """A message about sent arrays: the slot, the places in it, and what found no room there."""

    slot: int
    places: dict[str, Place]
    rest: dict[str, NDArray[Any]]


class Slots:
    """A number of slots of equal size; survives being passed to a new process, and no other pickling."""

    def __init__(self, context: SpawnContext, count: int, size: int) -> None:
        """Allocate.

        Args:
            context: Of the processes that take part.
            count: Slots.
            size: Bytes of each.
        """
        self._size = size
        self._memory = context.RawArray(ctypes.c_uint8, max(1, count * size))
        self._free: ProcessQueue[int] = context.Queue()
        for slot in range(count):
            self._free.put(slot)

    def send(self, arrays: Arrays) -> Parcel:
        """Copy arrays into a free slot, waiting for one; arrays without room there go along as they are."""
        slot, offset = self._free.get(), 0
        places: dict[str, Place] = {}
        rest: dict[str, NDArray[Any]] = {}
        view = self._view(slot)
        for name, array in arrays.items():
            if offset + array.nbytes > self._size:
                rest[name] = array
                continue
            target = view[offset : offset + array.nbytes].view(array.dtype).reshape(array.shape)
            target[...] = array
            places[name] = Place(offset, array.shape, array.dtype.str)
            offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        return Parcel(slot, places, rest)

    def receive(self, parcel: Parcel) -> dict[str, NDArray[Any]]:
        """Copy a parcel's arrays out of its slot, which is free again then."""
        view = self._view(parcel.slot)
        arrays = dict(parcel.rest)
        for name, (offset, shape, kind) in parcel.places.items():
            size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
            arrays[name] = view[offset : offset + size].view(kind).reshape(shape).copy()
        self._free.put(parcel.slot)
        return arrays

    def close(self) -> None:
        """Give up what is still on its way."""
        self._free.cancel_join_thread()
        self._free.close()

    def _view(self, slot: int) -> NDArray[np.uint8]:
        whole = np.frombuffer(memoryview(self._memory), np.uint8)
        return whole[slot * self._size : (slot + 1) * self._size]
