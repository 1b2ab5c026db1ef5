"""Rows divided, mixed, sampled and freed of duplicates.

Entry points, all pure and the same for a seed on every machine: `parts.divide` (train, validation,
test), `mix.mix`, `sample.sample`, `duplicates.find_duplicates`. They choose rows by their index;
`lines.LineFile` writes the chosen rows with the bytes that they had.
"""
