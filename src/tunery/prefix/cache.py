"""Keys and values of the tokens so far, for writing one token a row at a time.

A cache is filled by one forward pass over a forest of prompts, shared prefixes computed once, and
spread over the rows. Rows are stored left-aligned: row b fills places [0, lengths[b]).

Shapes: B rows, H query heads, G key-value heads, D width of a key, E of a value, C
places.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tunery.prefix.attention_masked import Scoring, finish

BLOCK = 256
"""Places for new tokens are made so many at a time: an answer rarely fills a model's context."""


class KeyValueCache:
    """Keys and values of each layer.

    Attributes:
        lengths: [B] int64, tokens of each row so far.
    """

    def __init__(self) -> None:
        self.lengths = torch.empty(0, dtype=torch.int64)
        self._keys: dict[int, Tensor] = {}
        self._values: dict[int, Tensor] = {}
        self._mask = torch.empty(0)  # [B, 1, 1, C], what each row may see

    def keep(self, layer: int, key: Tensor, value: Tensor) -> None:
        """Takes the keys and values [1, G, T, D] of a forest in one layer."""
        self._keys[layer], self._values[layer] = key, value

    def spread(self, paths: tuple[Tensor, ...], room: int) -> None:
        """Turns what `keep` took of a forest into rows.

        Args:
            paths: The forest's `paths`, one a row.
            room: New tokens that each row will get at most.
        """
        self.lengths = torch.tensor([len(path) for path in paths])
        places = int(self.lengths.max()) + min(room, BLOCK)
        index = torch.zeros(len(paths), places, dtype=torch.int64)  # [B, C]
        for row, path in enumerate(paths):
            index[row, : len(path)] = path
        for kept in (self._keys, self._values):
            for layer, tensor in kept.items():
                kept[layer] = tensor[0][:, index].transpose(0, 1).contiguous()  # [B, G, C, D]
        self._update_mask()

    def advance(self) -> None:
        """Makes a place for the next token of each row; call it before each forward pass."""
        self.lengths = self.lengths + 1
        longest = int(self.lengths.max())
        for kept in (self._keys, self._values):
            for layer, tensor in kept.items():
                if longest > tensor.shape[2]:
                    rows, groups, _, dim = tensor.shape
                    kept[layer] = torch.cat([tensor, tensor.new_zeros(rows, groups, BLOCK, dim)], 2)
        self._update_mask()

    def select(self, rows: Tensor) -> None:
        """Keeps only some rows, in the order given ([b] int64)."""
        self.lengths = self.lengths[rows]
        for kept in (self._keys, self._values):
            for layer, tensor in kept.items():
                kept[layer] = tensor[rows]
        self._update_mask()

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scoring: Scoring
    ) -> Tensor:
        """Stores one new token a row and lets it see its row.

        Args:
            layer: Index of the layer.
            query: [B, H, 1, D].
            key: [B, G, 1, D].
            value: [B, G, 1, E].
            scoring: Scale, window and cap of the layer.

        Returns:
            [B, 1, H, E].
        """
        batch, heads, _, dim = query.shape
        groups = key.shape[1]
        rows, last = torch.arange(batch), self.lengths - 1
        keys, values = self._keys[layer], self._values[layer]
        keys[rows, :, last] = key[:, :, 0]
        values[rows, :, last] = value[:, :, 0]
        seen = self._mask.shape[-1]
        # The query heads of one key-value head become its queries: [B, G, H / G, D].
        folded = query.view(batch, groups, heads // groups, dim)
        keys, values, visible = keys[:, :, :seen], values[:, :, :seen], self._mask
        if scoring.window is not None and scoring.window < seen:
            visible = visible & (torch.arange(seen) > (last - scoring.window)[:, None, None, None])
        if scoring.softcap is None:
            out = scaled_dot_product_attention(
                folded, keys, values, attn_mask=visible, scale=scoring.scale
            )
        else:
            scores = finish(folded @ keys.transpose(2, 3), scoring)
            out = scores.masked_fill_(~visible, -torch.inf).softmax(dim=-1) @ values
        return out.reshape(batch, 1, heads, values.shape[3])

    def _update_mask(self) -> None:
        seen = int(self.lengths.max()) if len(self.lengths) else 0
        visible = torch.arange(seen) < self.lengths[:, None]  # [B, seen]
        self._mask = visible[:, None, None, :]
