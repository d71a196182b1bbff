"""The store: one DuckDB file that precompute writes and the explorer reads.

`schema.sql` says what every column means. Read that, then `writer.StoreWriter` and `reader.StoreReader`; no SQL over
the store is written anywhere else. Nothing here imports torch or model code.
"""
