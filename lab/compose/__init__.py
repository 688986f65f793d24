"""The compose target: the platform in containers, as ``docker-compose.yml`` says.

What docker does through its command line (pull, up, down) is in ``command``; what it does through
its API (faults, files, logs) in ``engine``.
"""
