import asyncio
import threading

import pytest
from anyio import CapacityLimiter

from tunery.api.threads import call_in_thread, iterate_in_thread

WAIT_S = 20


async def wait_for(condition):
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.001)


def test_a_call_runs_elsewhere_and_returns_or_raises():
    async def main():
        limiter = CapacityLimiter(1)
        assert await call_in_thread(threading.get_ident, limiter) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await call_in_thread(lambda: 1 // 0, limiter)

    asyncio.run(main())


def test_values_come_in_order_from_one_thread():
    threads = set()

    def numbers():
        for number in range(100):
            threads.add(threading.get_ident())
            yield number
        threads.add(threading.get_ident())

    async def main():
        return [value async for value in iterate_in_thread(numbers, CapacityLimiter(4))]

    assert asyncio.run(main()) == list(range(100))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_errors_reach_the_reader_after_the_values_before_them():
    def failing():
        yield 1
        raise KeyError("x")

    async def main():
        values = iterate_in_thread(failing, CapacityLimiter(1))
        assert await anext(values) == 1
        with pytest.raises(KeyError):
            await anext(values)

    asyncio.run(main())


def test_errors_before_the_first_value_reach_the_reader():
    def refusing():
        raise KeyError("x")

    async def main():
        with pytest.raises(KeyError):
            await anext(iterate_in_thread(refusing, CapacityLimiter(1)))

    asyncio.run(main())


def test_closing_closes_the_generator_and_frees_its_slot():
    closed_in, made_in = [], []

    def endless():
        made_in.append(threading.get_ident())
        try:
            while True:
                yield 0
        finally:
            closed_in.append(threading.get_ident())

    async def main():
        limiter = CapacityLimiter(1)
        kept = endless()  # held here, so that it is not closed merely by being forgotten
        values = iterate_in_thread(lambda: kept, limiter)
        await anext(values)
        assert limiter.borrowed_tokens == 1
        await values.aclose()
        await wait_for(lambda: closed_in and not limiter.borrowed_tokens)

    asyncio.run(main())
    assert closed_in == made_in


def test_a_generator_whose_reader_left_while_it_waited_for_a_slot_never_starts():
    started = []

    def generator():
        started.append(True)
        yield 0

    async def main():
        limiter = CapacityLimiter(1)
        release = threading.Event()
        holder = asyncio.create_task(call_in_thread(release.wait, limiter))
        await wait_for(lambda: limiter.borrowed_tokens)
        reader = asyncio.create_task(anext(iterate_in_thread(generator, limiter)))
        await wait_for(lambda: limiter.statistics().tasks_waiting)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        release.set()
        await holder
        await wait_for(lambda: not limiter.borrowed_tokens)
        assert await call_in_thread(lambda: "next", limiter) == "next"

    asyncio.run(main())
    assert started == []


def test_a_slow_reader_does_not_hold_up_the_generator():
    finished = threading.Event()

    def numbers():
        yield from range(1000)
        finished.set()

    async def main():
        values = iterate_in_thread(numbers, CapacityLimiter(1))
        await anext(values)
        await asyncio.to_thread(finished.wait, WAIT_S)
        assert finished.is_set()
        return [value async for value in values]

    assert asyncio.run(main()) == list(range(1, 1000))


def test_a_fast_generator_does_not_hold_up_the_loop():
    finished = threading.Event()

    def numbers():
        yield from range(1000)
        finished.set()

    async def main():
        turns = 0

        async def other():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        values = iterate_in_thread(numbers, CapacityLimiter(1))
        await anext(values)
        await asyncio.to_thread(finished.wait, WAIT_S)
        task = asyncio.create_task(other())
        async for _ in values:
            pass
        task.cancel()
        return turns

    assert asyncio.run(main()) > 500
