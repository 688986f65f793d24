"""Targets: what an experiment can be pointed at."""
