"""Whether an answer is the reference, whole and exact."""

from __future__ import annotations

from tunery.evaluate.graders.strict_json import parse_structure, same_value


def is_exact(reference: str, answer: str) -> bool:
    """Whether the answer equals the reference.

    Where the reference is a JSON object or array, the parsed values are compared: the order of
    keys and whitespace do not matter, types do (true is not "true"), and an extra or missing key
    makes it wrong. An answer that wraps the JSON in a code fence or puts text around it is wrong:
    a program that reads the answers could not use it.

    Every other reference (a word, a number, a sentence, JSON that `parse_structure` refuses) is
    compared as text: equal after whitespace at both ends is taken off, case and all.
    """
    expected = parse_structure(reference)
    if expected is None:
        return reference.strip() == answer.strip()
    return same_value(expected, parse_structure(answer))
