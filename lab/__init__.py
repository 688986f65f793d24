"""A local lab that runs a Kafka platform and demonstrates who does what in it."""

__version__ = "0.1.0"
