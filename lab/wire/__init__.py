"""What Kafka puts on the wire and into its logs: decoders written from the protocol's sources.

Nothing here talks to a broker and nothing here uses a client library: experiments read raw bytes
by a client and decode them with this package, so that the client under observation is not its own
witness.
"""
