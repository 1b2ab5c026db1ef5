"""The engine's blocking calls, seen from the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")

_END: Final = object()


async def call_in_thread(work: Callable[[], T], limiter: CapacityLimiter) -> T:
    """Runs `work` in a thread, once `limiter` has room, and returns its result.

    If the waiting task is cancelled, which a server does when it stops, the thread ends on its own
    and its result is dropped.
    """
    return await to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)


async def iterate_in_thread(
    start: Callable[[], Generator[T]], limiter: CapacityLimiter
) -> AsyncGenerator[T]:
    """Yields what a generator yields, which runs in a thread from its first line to its last.

    It stays in one thread because engines keep state per thread, such as torch's inference mode. It
    never waits for a slow reader, so that one client cannot hold up the engine; what it is ahead
    is bounded by the length of an answer. When this iterator is closed the generator is closed
    too, after the value it is working on.

    Args:
        start: Makes the generator; called in the thread.
        limiter: Bounds the threads; a slot is taken until the generator is closed.

    Raises:
        Exception: Whatever `start` or the generator raises.
    """
    loop = asyncio.get_running_loop()
    values: asyncio.Queue[T | object] = asyncio.Queue()
    abandoned = threading.Event()

    def produce() -> None:
        if abandoned.is_set():
            return
        generator = start()
        try:
            for value in generator:
                if abandoned.is_set():
                    return
                loop.call_soon_threadsafe(values.put_nowait, value)
        finally:
            generator.close()

    producer = loop.create_task(to_thread.run_sync(produce, limiter=limiter))
    producer.add_done_callback(lambda _: values.put_nowait(_END))
    try:
        while (value := await values.get()) is not _END:
            yield value  # type: ignore[misc]
            # Lets others run, as a full queue never makes `get` wait: above all the watcher for
            # the client's leaving.
            await asyncio.sleep(0)
        await producer
    finally:
        abandoned.set()
