"""How many threads compute: one for each core that this process may use.

Two threads on one core (hyper-threading) share its units for products, so a second one gains
nothing and costs cache. Which core a thread runs on is left to the system: binding threads to
cores showed no difference (docs/design/002-engine.md).
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

SYSTEM = Path("/sys/devices/system/cpu")


def usable_cores(allowed: Collection[int] | None = None, system: Path = SYSTEM) -> int:
    """Cores among the processors that this process may run on.

    Args:
        allowed: Numbers of these processors; asked from the system by default.
        system: Where Linux says which processors are threads of one core; where it does not, each
            counts as a core.
    """
    if allowed is None:
        allowed = os.sched_getaffinity(0)
    siblings = {_siblings(number, system) for number in allowed}
    return max(1, len(siblings))


def _siblings(number: int, system: Path) -> str:
    file = system / f"cpu{number}" / "topology" / "thread_siblings_list"
    try:
        return file.read_text("utf-8").strip()
    except OSError:
        return str(number)
