"""The commands of ``lab``, one module per group of them; loaded only when they are used."""
