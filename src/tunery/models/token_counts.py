"""How many tokens texts have, each distinct text counted once."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunery.models.control_borders import ControlBorders
from tunery.models.word_counts import word_counts

REMEMBERED = 4_000_000
"""Most distinct texts that are remembered, some 100 bytes each."""

BATCH_CHARACTERS = 1_000_000
"""Characters that are tokenized at once: enough for all cores, little to hold in memory."""

WAITING_BATCHES = 2
"""Batches that may wait for the tokenizer, so that reading goes on meanwhile."""


class TokenCounts:
    """A growing list of token counts, with a place for each distinct text.

    A text is known by Python's 64-bit hash, not by itself: of a million texts, two get one place
    with a probability of 3 in 100 million. Batches are tokenized on another thread.

    Args:
        tokenizer: A transformers tokenizer.
        remembered: Most texts to remember; later ones are counted each time they come.
    """

    def __init__(self, tokenizer: Any, remembered: int = REMEMBERED) -> None:
        self._tokenizer = tokenizer
        self._fast: Any = getattr(tokenizer, "backend_tokenizer", None)
        if self._fast is not None and hasattr(self._fast, "no_truncation"):
            self._fast.no_truncation()
            self._fast.no_padding()
        self._words = None
        if hasattr(self._fast, "encode_batch_fast"):
            self._words = word_counts(self._fast, ControlBorders(tokenizer))
        self._places: dict[int, int] = {}
        self._remembered = remembered
        self._counts = array("i")
        self._fresh: list[str] = []
        self._fresh_characters = 0
        self._started = 0  # places whose texts were given to the tokenizer
        self._waiting: list[tuple[int, Future[NDArray[np.int32]]]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")
        self.tokenized_characters = 0

    @property
    def is_full(self) -> bool:
        """Whether there were more distinct texts than are remembered."""
        return len(self._places) >= self._remembered

    @property
    def distinct(self) -> int:
        """Texts that were tokenized, or will be."""
        return len(self._counts)

    def place(self, text: str) -> int:
        """Where the count of a text is found, see `counts`."""
        known = self._places.get(hash(text))
        if known is not None:
            return known
        place = len(self._counts)
        if place < self._remembered:
            self._places[hash(text)] = place
        self._counts.append(0)
        self._fresh.append(text)
        self._fresh_characters += len(text)
        if self._fresh_characters >= BATCH_CHARACTERS:
            self._start()
        return place

    def counts(self, places: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int32]:
        """Counts of some places, as soon as they are known."""
        at = np.asarray(places, dtype=np.int64)
        last = int(at.max()) if at.size else -1
        if last >= self._started:
            self._start()
        while self._waiting and self._waiting[0][0] <= last:
            self._take()
        return np.frombuffer(self._counts, dtype=np.int32)[at] if at.size else at.astype(np.int32)

    def count(self, text: str) -> int:
        """Tokens of one text, now."""
        return int(self.counts([self.place(text)])[0])

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _start(self) -> None:
        while len(self._waiting) >= WAITING_BATCHES:
            self._take()
        texts, self._fresh = self._fresh, []
        self.tokenized_characters += self._fresh_characters
        self._fresh_characters = 0
        self._waiting.append((self._started, self._thread.submit(self._tokenize, texts)))
        self._started += len(texts)

    def _take(self) -> None:
        start, batch = self._waiting.pop(0)
        found = batch.result()
        self._counts[start : start + len(found)] = array("i", found.tobytes())

    def _tokenize(self, texts: list[str]) -> NDArray[np.int32]:
        if self._words is None:
            return self._encode(texts)
        found = self._words.counts(texts)
        left = np.flatnonzero(found < 0)
        if left.size:
            found[left] = self._encode([texts[index] for index in left])
        return found

    def _encode(self, texts: list[str]) -> NDArray[np.int32]:
        if self._fast is not None:
            # "fast" leaves out the offsets of tokens, which are not wanted here.
            found = self._fast.encode_batch_fast(texts, add_special_tokens=False)
        else:
            found = [self._tokenizer.encode(text, add_special_tokens=False) for text in texts]
        return np.fromiter(map(len, found), dtype=np.int32, count=len(texts))
