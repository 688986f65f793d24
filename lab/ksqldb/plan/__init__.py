"""Plans: immutable steps between SQL and the JVM, and their JSON."""
