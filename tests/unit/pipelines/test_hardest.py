from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.models.token_row import TokenRow
from tunery.pipelines.hardest import LISTED, hardest_rows

ASK = Message("user", "How  high?\nSay.")


def rows_of(*answers):
    talks = [Conversation((ASK, turn), "a.jsonl", n) for n, turn in enumerate(answers, start=1)]
    return [TokenRow((), (), talk.place) for talk in talks], {talk.place: talk for talk in talks}


def step(numbers, losses):
    return {"row_numbers": numbers, "row_losses": losses}


def test_the_last_loss_of_each_row_decides():
    rows, talks = rows_of(*(Message("assistant", text) for text in ("low", "high", "mid")))
    steps = [step([0, 1, 2], [9.0, 1.0, 1.0]), step([0], [0.5]), step([2, 1], [0.7, 3.0])]
    found = hardest_rows(steps, rows, talks)
    assert [(row.place, row.loss) for row in found] == [
        ("a.jsonl:2", 3.0),
        ("a.jsonl:3", 0.7),
        ("a.jsonl:1", 0.5),
    ]


def test_texts_are_shown_on_one_line_and_cut_and_calls_are_part_of_them():
    call = ToolCall("fly", '{"height": 3}')
    rows, talks = rows_of(
        Message("assistant", "Well.", tool_calls=(call,)), Message("assistant", "x" * 100)
    )
    first, second = hardest_rows([step([0, 1], [2.0, 1.0])], rows, talks)
    assert (first.question, first.answer) == ("How high? Say.", 'Well. fly({"height": 3})')
    assert second.answer == "x" * 79 + "…"


def test_only_some_are_listed():
    rows, talks = rows_of(*[Message("assistant", "a")] * 20)
    assert len(hardest_rows([step(list(range(20)), [1.0] * 20)], rows, talks)) == LISTED
