"""Several chains kept at their heads: each is read by a thread of its own, and all that moved share one package."""
