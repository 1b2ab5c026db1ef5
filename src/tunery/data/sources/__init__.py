"""Files to objects: every row as a dict with its line, or what is wrong with it.

Entry point: `opening.open_rows`. A source knows nothing of training; a container is a file in this
folder. A bad row never raises, a file that cannot be used as a whole does.

    with open_rows("train.jsonl") as opened:
        for row in opened.rows:
            print(row.place.line, row.value, row.problem)
"""
