"""Clusters that the lab did not start: how they are described, probed, written down, tidied up.

Targets are described in ``<state>/targets/NAME.toml``; beside it is the ledger of what was created.
"""
