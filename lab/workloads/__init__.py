"""Workloads: programs that produce, consume and transform, and log every attempt.

Some run in the experiment's process (load.py), some in processes of their own, to be killed
(program.py). What they log has the form of a history, so that the checkers can judge it.
"""
