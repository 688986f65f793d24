"""The border to the JVM: nothing else imports JPype."""
