"""Cores, not threads of cores."""

import os

from tunery.models.cores import usable_cores


def write(system, siblings):
    for number, text in siblings.items():
        folder = system / f"cpu{number}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(text + "\n")


def test_two_threads_of_one_core_count_once(tmp_path):
    write(tmp_path, {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"})
    assert usable_cores({0, 1, 4, 5}, tmp_path) == 2
    assert usable_cores({0, 4}, tmp_path) == 1
    assert usable_cores({0, 5}, tmp_path) == 2


def test_without_the_systems_word_each_processor_is_a_core(tmp_path):
    assert usable_cores({0, 1, 2}, tmp_path) == 3


def test_this_machine():
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))
