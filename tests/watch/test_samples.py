from __future__ import annotations

from idlehands_deploy.engine.usage import Usage
from idlehands_deploy.watch.page.samples import KEPT, STEP, Samples


def test_memory_is_the_most_of_each_half_minute_and_cpu_the_average_of_it() -> None:
    samples = Samples()
    assert [samples.add(Usage(memory, None, spent), now) for now, memory, spent in [
        (0, 100, 1.0), (10, 300, 2.0), (20, 200, 2.0), (30, 150, 3.0),
    ]] == [True, False, False, True]  # fmt: skip
    assert samples.memory(40)[-2:] == [300, 150]
    assert samples.cpu(40)[-2:] == [1 / 20, 1 / 10]


def test_a_list_holds_an_hour_and_nothing_for_what_was_not_measured() -> None:
    samples = Samples()
    for number in range(3 * KEPT):
        if number % 2:
            samples.add(Usage(number, None, 0.0), number * STEP)
    memory = samples.memory(3 * KEPT * STEP - 1)
    assert len(memory) == KEPT
    assert memory[-4:] == [None, 3 * KEPT - 3, None, 3 * KEPT - 1]
    assert samples.memory(5 * KEPT * STEP) == [None] * KEPT


def test_cpu_time_that_starts_again_or_passed_in_a_pause_is_no_load() -> None:
    samples = Samples()
    for now, spent in [(0, 500.0), (10, 1.0), (400, 301.0), (410, 302.0)]:
        samples.add(Usage(1, None, spent), now)
    assert [value for value in samples.cpu(410) if value is not None] == [1 / 10]


def test_a_clock_that_is_set_back_begins_again() -> None:
    samples = Samples()
    samples.add(Usage(7, None, 1.0), 9000)
    samples.add(Usage(8, None, 2.0), 3000)
    assert [value for value in samples.memory(3000) if value is not None] == [8]
