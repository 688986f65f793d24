"""What the /ksql end point does with each kind of statement, one module per family."""
