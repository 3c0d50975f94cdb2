"""Raw logs from files others exported, or from our own archive: recognised by their columns, verified like a node's answers."""
