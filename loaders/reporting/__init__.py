"""Who is told how a command proceeds: progress for people, JSON lines and metrics for machines. Each is an `Observer`."""
