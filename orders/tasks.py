"""Jobs of the orders."""
