"""Where the numbers of a run go; takes plain values.

Entry point: `event_log.EventLog`, a file of JSON lines.

    EventLog(folder / "events.jsonl").write("step", {"step": 1, "loss": 0.9})
"""
