"""From raw logs to typed Arrow tables, whole columns at a time and exactly."""
