"""A list of products read to its end."""

from django.test import Client

MOST_PAGES = 10


def all_of(client: Client, address: str) -> list[int]:
    """The ids of the products on the page and on those behind it, in order."""
    met: list[int] = []
    for _ in range(MOST_PAGES):
        listing = client.get(address).context["listing"]
        met += [product.pk for product in listing.products]
        if not listing.next_url:
            break
        address = listing.next_url
    return met
