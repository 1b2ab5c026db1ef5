"""How measured numbers are written for people."""

from __future__ import annotations

from tunery.evaluate.comparison import Comparison
from tunery.evaluate.statistics.estimate import LEVEL, Difference, Interval, Share

MAX_DIGITS = 8


def percent(fraction: float) -> str:
    """A fraction as per cent: "80 %", "98.3 %". Only what is exact is written as 0 or 100."""
    return f"{hundredths(fraction)} %"


def points(fraction: float) -> str:
    """A difference of shares in percentage points, signed: "+80 points"."""
    text = hundredths(fraction)
    return f"{'+' if fraction > 0 and text != '0' else ''}{text} points".replace("-", "\u2212")


def brackets(interval: Interval) -> str:
    """An interval in per cent: "[68.2, 88.2]"."""
    text = f"[{hundredths(interval.lower)}, {hundredths(interval.upper)}]"
    return text.replace("-", "\u2212")


def share_text(share: Share) -> str:
    """A share with its interval: "80 % [68.2, 88.2]"."""
    return f"{percent(share.value)} {brackets(share.interval)}"


def difference_text(difference: Difference) -> str:
    """A difference with its interval: "+80 points [67.7, 88.2]"."""
    return f"{points(difference.value)} {brackets(difference.interval)}"


def p_text(p_value: float) -> str:
    """A p-value: "p = 0.012", "p < 0.001"."""
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.2g}"


def duration(seconds: float) -> str:
    """Seconds as "0.04 s", "1.2 s", "12 s", "3 min 20 s" or "2 h 5 min"."""
    if seconds < 0.095:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def memory(size_bytes: int) -> str:
    """Bytes as "512 MiB" or "2.41 GiB"."""
    if size_bytes < 2**30:
        return f"{size_bytes / 2**20:.0f} MiB"
    return f"{size_bytes / 2**30:.2f} GiB"


def headline(comparison: Comparison) -> str:
    """The result in one sentence of plain words."""
    base, tuned, paired = comparison.base, comparison.tuned, comparison.paired
    rows = tuned.scores.exact.n
    return (
        f"On {rows} held-out {'row' if rows == 1 else 'rows'} the tuned model answers "
        f"{percent(tuned.scores.exact.value)} exactly {brackets(tuned.scores.exact.interval)}; "
        f"the base model {share_text(base.scores.exact)}; "
        f"difference {difference_text(paired.difference)}, McNemar {p_text(paired.p_value)}."
    )


def verdict(comparison: Comparison) -> str:
    """What the paired test allows to say, at the level of the intervals."""
    if not comparison.paired.gained and not comparison.paired.lost:
        return "No difference: both models got the same rows right."
    if comparison.paired.p_value >= 1 - LEVEL:
        return "No clear difference: luck alone could have split these rows as unevenly."
    better = "tuned" if comparison.paired.difference.value > 0 else "base"
    return f"The {better} model is better: luck alone would seldom split these rows as unevenly."


def hundredths(fraction: float) -> str:
    """A fraction times a hundred with as few digits as keep it from looking exact."""
    value = 100 * fraction
    # Sums and roots of fractions carry rounding errors of about 1e-14.
    if abs(value - round(value)) < 1e-9:
        return str(round(value))
    digits = 1
    while digits < MAX_DIGITS and float(f"{value:.{digits}f}") in (-100, 0, 100):
        digits += 1
    text = f"{value:.{digits}f}"
    return text.removesuffix(".0") if digits == 1 else text
