"""Statements that make persistent queries, as a table, and what is seen of their queries.

statements.toml says what each statement reads, which topics its query makes and what must stand in
its sink. table.py reads it; runs.py makes sources, starts queries, looks at them from outside and
ends them.
"""
