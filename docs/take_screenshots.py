"""Photograph every page of a running demo shop, for docs/screenshots/.

    python docs/make_states.py | tee var/states.txt
    python docs/take_screenshots.py http://127.0.0.1:8000 --states var/states.txt

Run it after `make run`, when the looks have changed. It buys for real in the demo shop: one order in each language.
The pictures are WebP, two widths in two languages, the states of a parcel on a phone alone, as good as fits 3 MB
altogether.
"""

import argparse
import io
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FOLDER = Path(__file__).resolve().parent / "screenshots"
LIMIT_BYTES = 2_900_000
SIZES = {"phone": {"width": 360, "height": 800}, "wide": {"width": 1280, "height": 800}}
LANGUAGES = ("ko-kp", "en")
SHOPPER = ("1912345678", "jade-stream-7")
STAFF = ("1919000001", "bureau-demo-stream-7")
CARD, PIN = "94081912345678008", "4831"
DISH = "평양랭면"

OPEN_PAGES = {
    "home": "/",
    "categories": "/categories/",
    "category": "/categories/drinks/",
    "sellers": "/sellers/",
    "seller": "/sellers/okryugwan/",
    "search": "/search/?q=맥주",
    "search-empty": "/search/?q=xyzzy",
    "cart-empty": "/cart/",
    "join": "/join/",
    "sign-in": "/sign-in/",
    "help": "/help/",
    "figures": "/figures/",
    "not-found": "/nothing-here/",
}
MEMBER_PAGES = {"orders": "/orders/", "card": "/card/", "account": "/account/", "addresses": "/account/addresses/"}
STAFF_PAGES = {
    "admin-home": "/admin/",
    "admin-products": "/admin/catalog/product/",
    "desk-board": "/admin/desk/board/",
    "desk-returns": "/admin/desk/returns/",
    "desk-catalogue": "/admin/desk/catalogue/",
    "desk-search": "/admin/desk/search/",
}
# Each desk as those see it who work there.
DESK_PAGES = {
    "1919000003": {"desk-runs": "/admin/desk/runs/"},
    "1919000004": {"desk-parcels": "/admin/desk/parcels/"},
    "1919000005": {"desk-days": "/admin/desk/money/days/", "desk-audit": "/admin/desk/money/audit/"},
    "1919000006": {"desk-cards": "/admin/desk/cards/"},
}

Shot = tuple[str, bytes]


class Photographer:
    """One visitor in one language, photographed at every width."""

    def __init__(self, browser: Browser, base: str, language: str) -> None:
        self.base, self.language = base, language
        self.context: BrowserContext = browser.new_context(base_url=base, device_scale_factor=1)
        self.context.add_cookies([{"name": "language", "value": language, "url": base}])
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)

    def shoot(self, name: str, sizes: Iterable[str] = SIZES) -> Iterator[Shot]:
        """The page that stands open, at each width."""
        for size, viewport in ((size, SIZES[size]) for size in sizes):
            self.page.set_viewport_size(viewport)
            self.page.evaluate("window.scrollTo(0, 0)")
            self.page.wait_for_load_state("networkidle")
            yield f"{name}.{size}.{self.language}", self.page.screenshot()

    def visit(self, pages: dict[str, str]) -> Iterator[Shot]:
        for name, path in pages.items():
            self.page.goto(path)
            yield from self.shoot(name)

    def sign_in(self, phone: str, password: str) -> None:
        self.page.goto("/sign-in/")
        self.page.fill("[name=phone]", phone)
        self.page.fill("[name=password]", password)
        self.press("main form")

    def press(self, form: str) -> None:
        with self.page.expect_navigation():
            self.page.locator(f"{form} button.button").last.click()

    def buy(self) -> Iterator[Shot]:
        """The whole purchase, each page photographed on the way; returns on the receipt."""
        page = self.page
        page.goto(f"/search/?q={DISH}")
        page.locator("main a.card").first.click()
        yield from self.shoot("product")
        self.press('form[action="/cart/lines/"]')
        page.goto("/cart/")
        yield from self.shoot("cart")
        page.goto("/checkout/")
        yield from self.shoot("checkout")
        self.press("main form")
        yield from self.shoot("payment")
        page.fill("[name=card]", CARD)
        page.fill("[name=pin]", PIN)
        self.press("main form")
        yield from self.shoot("order")
        page.goto(f"{page.url.split('?')[0]}receipt/")
        yield from self.shoot("receipt")


def photograph(browser: Browser, base: str, language: str, states: dict[str, str]) -> Iterator[Shot]:
    visitor = Photographer(browser, base, language)
    yield from visitor.visit(OPEN_PAGES)
    visitor.sign_in(*SHOPPER)
    yield from visitor.buy()
    yield from visitor.visit(MEMBER_PAGES)
    for state, code in states.items():
        visitor.page.goto(f"/orders/{code}/")
        yield from visitor.shoot(f"order-{state}", sizes=["phone"])
    visitor.context.close()
    staff = Photographer(browser, base, language)
    staff.sign_in(*STAFF)
    yield from staff.visit(STAFF_PAGES)
    staff.page.goto("/admin/orders/order/")
    with staff.page.expect_navigation():
        staff.page.locator("#result_list a[href*='/change/']").first.click()
    yield from staff.shoot("admin-order")
    staff.context.close()
    for phone, pages in DESK_PAGES.items():
        worker = Photographer(browser, base, language)
        worker.sign_in(phone, STAFF[1])
        yield from worker.visit(pages)
        worker.context.close()


def save(shots: list[Shot]) -> int:
    """Write all as WebP, as good as the limit allows; returns their bytes."""
    opened = [(name, Image.open(io.BytesIO(data)).convert("RGB")) for name, data in shots]
    for quality in range(70, 10, -6):
        files = {name: _webp(image, quality) for name, image in opened}
        if sum(map(len, files.values())) <= LIMIT_BYTES:
            break
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name, data in files.items():
        (FOLDER / f"{name}.webp").write_bytes(data)
    return sum(map(len, files.values()))


def _webp(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=6)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Photograph every page of a running demo shop.")
    parser.add_argument("base", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("--states", type=Path, help="what make_states.py printed: a state and an order's code a line")
    options = parser.parse_args()
    states = dict(line.split() for line in options.states.read_text().splitlines()) if options.states else {}
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        shots = [shot for language in LANGUAGES for shot in photograph(browser, options.base, language, states)]
        browser.close()
    print(f"{len(shots)} screenshots, {save(shots):,} bytes")


if __name__ == "__main__":
    main()
