"""What a shopper does, as tests need it: put goods in, open the checkout, send its form as it stands."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client

from catalog.models import ProductVariant

ORIGIN = {"HTTP_ORIGIN": "http://testserver"}


def put(client: Client, variant: ProductVariant, quantity: object = 1, **data: Any) -> Any:
    """POST /cart/lines/ as a page of the shop sends it."""
    return client.post("/cart/lines/", {"variant": variant.pk, "quantity": quantity, **data}, **ORIGIN)


def checkout_form(client: Client) -> dict[str, str]:
    """The checkout form as the page shows it: hidden fields, chosen tiles, selects, with nothing typed."""
    response = client.get("/checkout/")
    assert response.status_code == 200, (response.status_code, response.headers.get("Location"))
    return form_of(response.content.decode())


def form_of(page: str) -> dict[str, str]:
    reader = _Form()
    reader.feed(page)
    return reader.data


class _Form(HTMLParser):
    """What a browser would send for the one form posting to /checkout/, without pressing a button."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.inside = False
        self.select = ""
        self.area = ""

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attrs = dict(pairs)
        name = attrs.get("name") or ""
        if tag == "form":
            self.inside = attrs.get("action") == "/checkout/"
        elif not self.inside:
            return
        elif tag == "input" and (attrs.get("type") not in ("radio", "checkbox") or "checked" in attrs):
            self.data[name] = attrs.get("value") or ("on" if attrs.get("type") == "checkbox" else "")
        elif tag == "textarea":
            self.area = name
            self.data[name] = ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and ("selected" in attrs or self.select not in self.data):
            self.data[self.select] = attrs.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.data[self.area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.area = ""
        if tag == "form":
            self.inside = False
