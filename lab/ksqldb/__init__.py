"""A ksqlDB-compatible server on Kafka Streams; run it with ``python -m lab.ksqldb``."""
