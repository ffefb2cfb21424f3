"""Jobs of the figures."""
