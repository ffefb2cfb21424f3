"""The demo shop: what it sells, who buys, and sixty days of their orders. Everything is invented and seeded."""
