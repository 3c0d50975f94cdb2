"""What would go unnoticed: one log of each kind is dropped, doubled or altered, and a dbt test has to fail."""
