"""What runs: commands, persistent, push and pull queries."""
