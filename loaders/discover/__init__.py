"""Forks that a chain has and the registry does not know, by the events with which protocols create pools and markets."""
