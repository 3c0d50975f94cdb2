"""What is proven about a warehouse, and how to say it."""
