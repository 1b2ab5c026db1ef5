"""What a teacher is asked for: each task has its instructions, its schema, and its rules for rows.

`task.Task` is what all of them are.
"""
