"""`poolhouse init bigquery`: the datasets of a warehouse, who may do what in them, and whether the account can make them."""
