"""Jobs of the catalogue."""
