"""The embedded target's parts: a Kafka platform as native processes, without Docker."""
