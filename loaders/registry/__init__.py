"""What is loaded: events, raw tables, chains and contracts, all read from text files a reviewer can read."""
