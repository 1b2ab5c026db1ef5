import json
import os
from dataclasses import replace

import pytest
import typer

from tunery.cli.diagnosis import Compute, Probes, cpu_units, diagnose, is_writable
from tunery.cli.doctor import report

GIB = 2**30

GOOD = Probes(
    compute=lambda: Compute("float32", "it is faster", 100.0),
    memory=lambda: (16 * GIB, 8 * GIB),
    disk_free=lambda folder: 100 * GIB,
    writable=lambda folder: True,
)


@pytest.fixture
def problems(workspace, capsys):
    """What `doctor` finds impossible with some probes answering otherwise."""

    def find(**changes):
        found = diagnose(workspace, replace(GOOD, **changes))
        if found.problems:
            with pytest.raises(typer.Exit) as ended:
                report(found, as_json=False)
            assert ended.value.exit_code == 1
        else:
            report(found, as_json=False)
        return capsys.readouterr()

    return find


def test_this_machine_can_train(run_json, workspace, tune):
    tune()

    document = run_json("doctor")

    assert document["can_train"] is True
    assert document["problems"] == []
    assert document["cores"] == len(os.sched_getaffinity(0))
    assert document["compute_type"] == "float32"
    assert "GFLOP/s" in document["compute_reason"]
    assert document["versions"]["torch"].startswith("2.")
    assert document["home"] == str(workspace.home)
    assert document["memory_gib"] >= document["memory_free_gib"] > 0
    assert (document["tuned_models"], document["fetched_models"]) == (1, 0)
    assert not (workspace.home / "logs").exists()


def test_facts_for_people(problems):
    out = problems().out

    assert "16.0 GiB, 8.0 GiB free" in out
    assert "float32 on the CPU: it is faster" in out
    assert "(writable, 100.0 GiB free)" in out
    assert "0 fetched, 0 tuned" in out
    assert "allowed (not tried)" in out
    assert out.endswith("This machine can train.\n")


def test_offline_is_told(workspace, capsys):
    workspace.offline = True

    report(diagnose(workspace, GOOD), as_json=False)

    assert "switched off" in capsys.readouterr().out


def test_the_largest_model_that_fits_is_named(workspace):
    assert diagnose(workspace, GOOD).facts["largest_tunable"] == "smollm2-360m-instruct"


def test_too_little_memory(problems):
    shown = problems(memory=lambda: (2 * GIB, GIB))

    assert "1.0 GiB of memory are free; tuning the smallest model" in shown.err
    assert "can train" not in shown.out


def test_too_little_disk(problems):
    shown = problems(disk_free=lambda folder: GIB // 2)

    assert "0.5 GiB are free on the disk" in shown.err
    assert "set TUNERY_HOME to a folder on another disk" in shown.err


def test_home_that_cannot_be_written(problems):
    shown = problems(writable=lambda folder: False)

    assert "not writable" in shown.out
    assert "cannot be written" in shown.err


def test_torch_that_cannot_be_loaded(problems):
    def broken():
        raise ImportError("libgomp.so.1 is missing")

    shown = problems(compute=broken)

    assert "torch cannot be loaded: libgomp.so.1 is missing." in shown.err
    assert "Computes in" not in shown.out


def test_damaged_tuned_model(workspace, tune, capsys):
    (tune() / "tunery.json").write_text("{")

    report(diagnose(workspace, GOOD), as_json=False)

    shown = capsys.readouterr().out
    assert "0 fetched, 0 tuned" in shown
    assert "tunery.json is damaged" in shown
    assert "This machine can train." in shown


def test_problems_as_json(workspace, capsys):
    with pytest.raises(typer.Exit):
        report(diagnose(workspace, replace(GOOD, disk_free=lambda folder: 0)), as_json=True)

    document = json.loads(capsys.readouterr().out)
    assert document["can_train"] is False
    assert document["problems"][0]["hint"]


@pytest.mark.parametrize(
    ("flags", "units"),
    [
        ("flags : fpu avx2 avx512f avx512_bf16 amx_tile", ["avx2", "avx512", "avx512-bf16", "amx"]),
        ("model name : x\nflags\t\t: fpu avx2\n", ["avx2"]),
        ("Features : fp asimd bf16 sve", ["neon", "sve", "arm-bf16"]),
        ("flags : fpu sse2", []),
        ("", []),
    ],
)
def test_processor_units(flags, units):
    assert cpu_units(flags) == units


def test_writable_leaves_nothing_behind(tmp_path):
    assert is_writable(tmp_path / "not" / "there" / "yet")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_below_a_file_is_not_writable(tmp_path):
    file = tmp_path / "file"
    file.write_text("")

    assert not is_writable(file / "home")
