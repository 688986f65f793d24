"""Thin typed clients of the components: one call, one answer, the lab's own errors.

They are built on the clients that everybody uses (librdkafka, requests, httpx), add types, and
translate foreign exceptions at this border. They do not retry and they do not cache.
"""
