"""Text to AST: grammar, parser, nodes and their formatting."""
