"""Pages of the cart, the checkout and orders."""
