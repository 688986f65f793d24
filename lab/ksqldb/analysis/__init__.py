"""Statements checked against a catalog: names, types, rules."""
