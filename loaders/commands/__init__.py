"""The commands of `poolhouse`, one module each: options, help and the call of what does the work."""
