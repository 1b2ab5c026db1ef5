import pytest

from tunery.pipelines.training_log import TrainingLog
from tunery.track.event_log import EventLog
from tunery.train.events import Checkpointed, Noted, Resumed, StepDone, Validated
from tunery.train.plan import TrainPlan


def plan(rows=3):
    return TrainPlan(rows, 9, 3, 9, 4, 8, 512, False, 0, 100, 1.0, ())


def step(number):
    return StepDone(number, 4, number / 2, 0.5, 0.1, 1.0, 2, 6, 6, 0.1)


START = [Noted("of the model"), plan()]


@pytest.fixture
def tell(tmp_path):
    """Tells events to the log, as one process would; returns kinds and steps in the file."""

    def told(*events, resumes=False):
        file = EventLog(tmp_path / "events.jsonl")
        log = TrainingLog(file, resumes=resumes)
        for event in events:
            log.write(event)
        return [(entry["event"], entry.get("step")) for entry in file.read()]

    return told


BEGUN = [("note", None), ("plan", None)]


def test_what_comes_before_the_first_step_is_there_once(tell):
    tell(*START, step(1), Validated(1, 0.5), Checkpointed(1, "step-1"), step(2))
    first = [*BEGUN, ("step", 1), ("validation", 1), ("checkpoint", 1)]
    told = tell(*START, Noted("of the threads"), Resumed(1, 4, "step-1"), step(2), resumes=True)
    assert told == [*first, ("note", None), ("resume", 1), ("step", 2)]


def test_a_checkpoint_that_was_written_but_not_told_is_told(tell, tmp_path):
    tell(*START, step(1))
    told = tell(*START, Resumed(1, 4, "step-1"), resumes=True)
    assert told == [*BEGUN, ("step", 1), ("checkpoint", 1), ("resume", 1)]
    assert EventLog(tmp_path / "events.jsonl").read("checkpoint")[0]["folder"] == "step-1"


def test_without_a_checkpoint_the_plan_is_the_new_one(tell, tmp_path):
    tell(*START, step(1))
    tell(Noted("of the model"), plan(5), Noted("damaged"), Resumed(0, 4, None), resumes=True)
    told = tell(Noted("of the model"), plan(7), Resumed(0, 4, None), step(1), resumes=True)
    earlier = [("note", None), ("resume", 0)]
    assert told == [*BEGUN, *earlier, ("resume", 0), ("step", 1)]
    assert [e["rows"] for e in EventLog(tmp_path / "events.jsonl").read("plan")] == [7]


@pytest.mark.parametrize("there", [[], START[:1], START])
def test_killed_before_its_first_step_it_begins_anew(tell, there):
    tell(*there)
    assert tell(*START, Resumed(0, 4, None), resumes=True) == [*BEGUN, ("resume", 0)]


def test_a_refused_training_leaves_the_log_as_it_was(tell):
    before = tell(*START, step(1))
    assert tell(*START, Noted("damaged"), resumes=True) == before
