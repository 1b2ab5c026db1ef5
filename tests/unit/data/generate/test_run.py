import asyncio
import json

import pytest

from tunery.data.generate.budget import Prices
from tunery.data.generate.candidate import REASONS, Problem
from tunery.data.generate.ledger import Ledger
from tunery.data.generate.run import Job, generate, journal_path
from tunery.data.generate.tasks.question_answer import QuestionAnswer
from tunery.data.generate.teacher import Answer, Usage
from tunery.data.read import read_conversations
from tunery.errors import DataError, MismatchError, RunError, UserError
from tunery.testing.scripted_teacher import ScriptedTeacher, three_facts

FAILED = Answer(problem=Problem("teacher.failed", "no answer came"))
CUT_OFF = Answer(problem=Problem("teacher.cut_off", "cut off"), usage=Usage(5, 5), text="{")


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Ran:
    """A run: its result, its rows, and all that it told."""

    def __init__(self, folder, answer=three_facts, **job):
        self.told, self.seen = [], []
        job = {"task": QuestionAnswer(), "rows": 6, "near": 0, "concurrency": 1} | job
        self.out = job.setdefault("out", folder / "train.jsonl")
        self.teacher = ScriptedTeacher(answer)
        try:
            self.result = asyncio.run(
                generate(
                    Job(**job),
                    self.teacher,
                    on_progress=self.seen.append,
                    say=self.told.append,
                )
            )
        finally:
            self.rows = lines(self.out) if self.out.exists() else []
            rejected = folder / "train.rejected.jsonl"
            self.rejected = lines(rejected) if rejected.exists() else []

    def check_sum(self):
        """Every row that was asked for is kept or listed."""
        progress = self.result.progress
        assert progress.asked == len(self.rows) + len(self.rejected)
        assert progress.kept == len(self.rows)
        assert sum(progress.rejected.values()) == len(self.rejected)
        assert {row["reason"] for row in self.rejected} <= REASONS.keys()


def test_rows_say_where_they_are_from(documents, tmp_path):
    ran = Ran(tmp_path, sources=[documents], task=QuestionAnswer("Be kind."))

    ran.check_sum()
    assert ran.result.ended == "rows"
    assert len(ran.rows) == 6
    row = ran.rows[0]
    assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"]
    metadata = row["metadata"]
    assert metadata["document"].startswith(str(documents))
    assert metadata["position"] == "line 1"
    assert metadata["passage_digest"].startswith("blake2b:")
    assert metadata["date"].startswith("20")
    assert (metadata["task"], metadata["teacher"], metadata["request_id"]) == (
        "qa",
        "scripted",
        "r1",
    )
    assert metadata["quote"] in row["messages"][1]["content"]
    assert all(isinstance(value, str) for value in metadata.values())
    assert len({row["metadata"]["document"] for row in ran.rows}) == 2
    assert len(read_conversations(ran.out).rows) == 6


def test_progress_grows_and_counts_the_cost(documents, tmp_path):
    ran = Ran(tmp_path, sources=[documents], prices=Prices(2.0, 10.0))

    assert [progress.kept for progress in ran.seen] == [3, 6]
    assert [progress.cost for progress in ran.seen] == pytest.approx([0.003, 0.006])
    assert (ran.seen[-1].prompt_tokens, ran.seen[-1].completion_tokens) == (2000, 200)


def test_never_asks_for_more_rows_than_are_missing(documents, tmp_path):
    ran = Ran(tmp_path, sources=[documents], rows=4, concurrency=8)

    ran.check_sum()
    assert len(ran.rows) == 4
    assert ran.rejected[0]["reason"] == "row.surplus"  # the teacher gives three for one
    assert len(ran.teacher.asked) == 2


def test_a_passage_is_not_asked_the_same_again(documents, tmp_path):
    ran = Ran(tmp_path, sources=[documents / "1.txt"], rows=6)

    asked = ran.rows[0]["messages"][0]["content"]
    assert asked not in ran.teacher.asked[0][1]["content"]
    assert json.dumps(asked) in ran.teacher.asked[1][1]["content"]


def test_rows_that_are_not_taken_are_listed_with_the_reason(documents, tmp_path):
    good = {"question": "Q?", "answer": "red", "quote": "the tower is red"}
    answers = {
        1: {"rows": [good, good, good | {"question": "R?", "answer": "blue as the sea"}]},
        2: {"rows": [good | {"question": "S?", "quote": "not there"}, 3, {"question": "T?"}]},
        3: {"rows": [good | {"question": "U?"}]},
        4: "nonsense",
        5: CUT_OFF,
    }

    def answer(messages, number):
        return answers.get(number) or three_facts(messages, number)

    ran = Ran(tmp_path, answer, sources=[documents / "1.txt"], rows=8)

    ran.check_sum()
    reasons = [row["reason"] for row in ran.rejected]
    assert reasons == [
        "row.duplicate", "row.unsupported",
        "row.unsupported", "row.shape", "row.shape",
        "teacher.missing", "teacher.missing",
        "teacher.not_rows", "teacher.not_rows", "teacher.not_rows",
        "teacher.cut_off", "teacher.cut_off", "teacher.cut_off",
    ]  # fmt: skip
    assert all(row["message"] and row["metadata"]["document"] for row in ran.rejected)
    assert ran.rejected[0]["given"] == good
    assert ran.rejected[-1]["given"] == "{"


def test_held_out_rows_and_seeds_are_not_written_again(documents, tmp_path):
    def row(question):
        return json.dumps({"prompt": question, "completion": "yes"}) + "\n"

    (tmp_path / "test.jsonl").write_text(row("Is the tower  RED?"))
    (tmp_path / "seeds.jsonl").write_text(row("Is it said that the tower by the lake is red?"))
    questions = (
        "is the tower red?",
        "Is it said that the tower by the lake is red? Say!",
        "Who painted the tower?",
    )
    answer = {"answer": "red", "quote": "tower is red"}
    rows = {"rows": [{"question": question, **answer} for question in questions]}
    ran = Ran(
        tmp_path,
        lambda *_: rows,
        sources=[documents / "1.txt"],
        rows=2,
        near=0.8,
        held_out=tmp_path / "test.jsonl",
        seeds=tmp_path / "seeds.jsonl",
        max_requests=1,
    )

    assert [row["reason"] for row in ran.rejected] == ["row.leak", "row.near_duplicate"]
    assert "seeds.jsonl:1" in ran.rejected[1]["message"]
    assert ran.rows[0]["metadata"]["seeds"].endswith("seeds.jsonl:1")
    assert "lake" in ran.teacher.asked[0][1]["content"]
    assert ran.result.ended == "max_requests"


def test_seeds_alone_will_do(tmp_path):
    (tmp_path / "seeds.jsonl").write_text('{"prompt": "2+2?", "completion": "4"}\n')

    def answer(messages, number):
        return {"rows": [{"question": f"{number}+1?", "answer": str(number + 1)}]}

    ran = Ran(tmp_path, answer, rows=2, per_request=1, seeds=tmp_path / "seeds.jsonl")

    assert [row["messages"][1]["content"] for row in ran.rows] == ["2", "3"]
    assert "quote" not in json.dumps(ran.teacher.schemas)


def test_a_teacher_that_gives_nothing_is_left_after_twenty_requests(documents, tmp_path):
    ran = Ran(tmp_path, lambda *_: {"rows": []}, sources=[documents])

    ran.check_sum()
    assert (ran.result.ended, len(ran.teacher.asked)) == ("dry", 20)


def test_a_server_that_is_down_ends_the_run(documents, tmp_path):
    with pytest.raises(RunError, match="no answer came") as caught:
        Ran(tmp_path, lambda *_: FAILED, sources=[documents])
    assert "--resume" in caught.value.hint


def test_failed_requests_are_asked_again_on_resume(documents, tmp_path):
    def twice_down(messages, number):
        return FAILED if number in (1, 2) else three_facts(messages, number)

    first = Ran(tmp_path, twice_down, sources=[documents], max_requests=3)
    assert [row["reason"] for row in first.rejected] == ["teacher.failed"] * 6
    again = Ran(tmp_path, sources=[documents], resume=True)

    again.check_sum()
    assert (len(again.rows), again.rejected) == (6, [])
    assert again.rows[:3] == first.rows
    assert again.rows[3]["metadata"]["ask"] == "0"


def test_the_budget_is_never_passed(documents, tmp_path):
    for limit in (0.0001, 0.01, 0.02, 0.03):
        folder = tmp_path / str(limit)
        folder.mkdir()
        ran = Ran(
            folder,
            lambda m, n: Answer(
                three_facts(m, n), usage=Usage(len(m[1]["content"]), 100), request_id="r"
            ),
            sources=[documents],
            rows=1000,
            prices=Prices(1, 100),
            max_cost=limit,
            concurrency=4,
        )
        assert ran.result.ended == "max_cost"
        assert ran.result.progress.cost <= limit
        assert bool(ran.rows) == (limit > 0.01)  # one answer may cost 0.01


def test_a_limit_of_cost_needs_prices(documents, tmp_path):
    with pytest.raises(UserError, match="what tokens cost"):
        Ran(tmp_path, sources=[documents], max_cost=1)


def test_resume_goes_on_and_makes_the_files_anew(documents, tmp_path):
    first = Ran(tmp_path, sources=[documents], rows=6)
    first.out.write_text('{"torn')

    again = Ran(tmp_path, sources=[documents], rows=9, resume=True)

    again.check_sum()
    assert again.rows[:6] == first.rows
    assert len(again.rows) == 9
    assert len(again.teacher.asked) == 1
    assert again.result.progress.requests == 3


def test_a_torn_journal_line_is_asked_again(documents, tmp_path):
    first = Ran(tmp_path, sources=[documents], rows=6, prices=Prices(1, 1))
    journal = journal_path(first.out)
    journal.write_bytes(journal.read_bytes()[:-30])

    again = Ran(tmp_path, sources=[documents], rows=6, resume=True, prices=Prices(1, 1))

    again.check_sum()
    assert len(again.rows) == 6
    assert again.result.progress.unknown == 1
    assert again.told == [
        "1 requests had been sent whose answers were not seen; they are asked again, and counted "
        "in the cost as the most they can have taken."
    ]
    # What was lost stays counted, however often the run goes on.
    third = Ran(tmp_path, sources=[documents], rows=6, resume=True, prices=Prices(1, 1))
    assert third.result.progress.cost == again.result.progress.cost
    assert third.rows == again.rows


def test_other_documents_or_options_do_not_go_on(documents, tmp_path):
    Ran(tmp_path, sources=[documents])

    with pytest.raises(MismatchError, match="passages"):
        Ran(tmp_path, sources=[documents / "1.txt"], resume=True)
    with pytest.raises(MismatchError, match="system"):
        Ran(tmp_path, sources=[documents], task=QuestionAnswer("New."), resume=True)


def test_nothing_is_overwritten(documents, tmp_path):
    Ran(tmp_path, sources=[documents])
    with pytest.raises(UserError, match="journal is there already") as caught:
        Ran(tmp_path, sources=[documents])
    assert "--resume" in caught.value.hint
    journal_path(tmp_path / "train.jsonl").unlink()
    with pytest.raises(UserError, match=r"train\.jsonl is there already"):
        Ran(tmp_path, sources=[documents], resume=True)
    with pytest.raises(UserError, match="no folder"):
        Ran(tmp_path, sources=[documents], out=tmp_path / "gone" / "a.jsonl")


@pytest.mark.parametrize("text", ["3\n", "hello", '{"event": "other"}\n', '{"event": "opened"}\n'])
def test_a_file_that_is_no_journal(documents, tmp_path, text):
    journal_path(tmp_path / "train.jsonl").write_text(text)
    with pytest.raises(DataError, match="not the journal"):
        Ran(tmp_path, sources=[documents], resume=True)


@pytest.mark.parametrize("text", ["", '{"event": "op', '{"event": "opened", "task'])
def test_a_journal_that_was_cut_before_its_first_line_begins_anew(documents, tmp_path, text):
    journal_path(tmp_path / "train.jsonl").write_text(text)

    assert len(Ran(tmp_path, sources=[documents], resume=True).rows) == 6
    assert len(Ran(tmp_path, sources=[documents], resume=True).teacher.asked) == 0


def test_nothing_to_write_from(tmp_path):
    with pytest.raises(UserError, match="nothing to write from"):
        Ran(tmp_path)


def test_a_seed_with_an_error_is_told(tmp_path):
    (tmp_path / "seeds.jsonl").write_text('{"prompt": "a", "completion": ""}\n')
    with pytest.raises(DataError, match="line 1"):
        Ran(tmp_path, seeds=tmp_path / "seeds.jsonl")


def test_left_aside_documents_are_told(documents, tmp_path):
    (documents / "picture.png").write_bytes(b"x")

    assert "picture.png is left aside" in Ran(tmp_path, sources=[documents]).told[0]


def test_an_error_keeps_what_was_answered_before(documents, tmp_path):
    def stop(messages, number):
        if number == 2:
            raise UserError("no credit")
        return three_facts(messages, number)

    with pytest.raises(UserError, match="no credit"):
        Ran(tmp_path, stop, sources=[documents], rows=12, concurrency=2)
    again = Ran(tmp_path, sources=[documents], rows=12, resume=True)

    again.check_sum()
    assert len(again.rows) == 12
    assert len(again.teacher.asked) == 3


def test_a_file_that_cannot_be_written_is_a_sentence(documents, tmp_path):
    (tmp_path / "train.jsonl.draft").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        Ran(tmp_path, sources=[documents])


def test_two_processes_cannot_share_a_journal(documents, tmp_path):
    def nested(messages, number):
        ledger = Ledger(journal_path(tmp_path / "train.jsonl"))
        with pytest.raises(UserError, match="Another process"), ledger.hold():
            pass
        return three_facts(messages, number)

    Ran(tmp_path, nested, sources=[documents], rows=3)
