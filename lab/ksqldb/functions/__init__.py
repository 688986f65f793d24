"""The functions that SQL can call, declared with typed signatures."""
