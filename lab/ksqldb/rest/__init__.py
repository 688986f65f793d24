"""The HTTP face, in ksqlDB's protocol."""
