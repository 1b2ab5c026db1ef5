from tunery.track.event_log import EventLog


def test_events_are_read_back_in_order_and_by_kind(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    assert log.read() == []
    log.write("plan", {"rows": 3})
    log.write("step", {"step": 1, "loss": 0.5})
    assert [event["event"] for event in log.read()] == ["plan", "step"]
    assert log.read("step") == [{"event": "step", "step": 1, "loss": 0.5}]


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.write("step", {"step": 1})
    with log.path.open("a") as file:
        file.write('{"event": "st')
    assert log.read() == [{"event": "step", "step": 1}]


def test_the_log_is_written_anew(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    for step in range(1, 6):
        log.write("step", {"step": step})
    log.replace(log.read()[:3])
    log.write("step", {"step": 4})
    assert [event["step"] for event in log.read()] == [1, 2, 3, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]


def test_an_event_after_a_cut_line_is_not_lost(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.write("note", {"message": "line\u2028break \u0085 \xe9"})
    with log.path.open("ab") as file:
        file.write(b'{"event": "st\xc3')
    log.write("step", {"step": 2})
    assert [event["event"] for event in log.read()] == ["note", "step"]
    assert log.read("note")[0]["message"] == "line\u2028break \u0085 \xe9"
