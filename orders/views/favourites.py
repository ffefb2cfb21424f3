"""Favourites. Product pages are everybody's and carry no token: they lead to a private page that asks which list."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.private import member, private_page
from accounts.text import LineField
from catalog.models import Product, ProductVariant
from orders import cart as carts
from orders import favourites
from orders.models import Cart, FavouriteList

LONGEST_ID = 9  # digits of a variant's id
NEW = "new"
form_page = require_http_methods(["GET", "HEAD", "POST"])


class NameForm(forms.Form):
    use_required_attribute = False

    name = LineField(
        label=gettext_lazy("Name of the list"),
        max_length=40,
        error_messages={"required": gettext_lazy("Give the list a name.")},
    )


class ChoiceForm(forms.Form):
    """Which list the goods go to: one there is, or a new one."""

    use_required_attribute = False

    to = forms.ChoiceField(
        label=gettext_lazy("List"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a list."), "invalid_choice": gettext_lazy("Choose a list.")},
    )
    name = LineField(label=gettext_lazy("Name of the new list"), max_length=40, required=False)

    def __init__(self, data: object, *, lists: list[FavouriteList]) -> None:
        usual = {"to": lists[0].code if lists else NEW, "name": "" if lists else _("My favourites")}
        super().__init__(data, initial=usual)  # type: ignore[arg-type]
        self.fields["to"].choices = [*((kept.code, kept.name) for kept in lists), (NEW, _("A new list"))]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if cleaned.get("to") == NEW and not cleaned.get("name") and "name" not in self.errors:
            self.add_error("name", _("Give the list a name."))
        return cleaned


@form_page
@private_page
def lists(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            return redirect(favourites.make_list(user=member(request), name=form.cleaned_data["name"]))
        except favourites.TooManyLists:
            form.add_error(None, _too_many())
    mine = _lists(request).annotate(goods=Count("entries"))
    return render(request, "orders/favourites.html", {"lists": mine, "form": form}, status=422 if form.errors else 200)


@form_page
@private_page
def entries(request: HttpRequest) -> HttpResponse:
    """Which list? A POST puts the goods there."""
    data = request.POST if request.method == "POST" else None
    variant = _offered(str((data if data is not None else request.GET).get("variant", "")))
    mine = list(_lists(request))
    form = ChoiceForm(data, lists=mine)
    if form.is_valid():
        try:
            kept = _chosen(request, form, mine)
            favourites.add(kept, variant=variant)
        except favourites.TooManyLists:
            form.add_error(None, _too_many())
        except favourites.ListFull:
            limit = {"limit": favourites.MOST_ENTRIES}
            form.add_error("to", _("One list holds %(limit)d different products. Choose another.") % limit)
        except FavouriteList.DoesNotExist:
            form.add_error("to", _("This list is gone. Choose another."))
        else:
            return redirect(kept)
    context = {"variant": variant, "form": form}
    return render(request, "orders/favourite_entry.html", context, status=422 if form.errors else 200)


@require_safe
@private_page
def favourite_list(request: HttpRequest, code: str) -> HttpResponse:
    return _list_page(request, _own(request, code))


@require_POST
@private_page
def name(request: HttpRequest, code: str) -> HttpResponse:
    kept = _own(request, code)
    form = NameForm(request.POST)
    if form.is_valid():
        try:
            favourites.rename(kept, name=form.cleaned_data["name"])
            return redirect(kept)
        except favourites.NameTaken:
            form.add_error("name", _("Another list of yours bears this name."))
    return _list_page(request, kept, form)


@require_POST
@private_page
def deletion(request: HttpRequest, code: str) -> HttpResponse:
    """Sent twice it is gone all the same."""
    _lists(request).filter(code=code).delete()
    return redirect("orders:favourites")


@require_POST
@private_page
def sharing(request: HttpRequest, code: str) -> HttpResponse:
    kept = _own(request, code)
    favourites.share(kept)
    return redirect(kept)


@require_POST
@private_page
def withdrawal(request: HttpRequest, code: str) -> HttpResponse:
    kept = _own(request, code)
    favourites.withdraw(kept)
    messages.success(request, _("The link works no longer."))
    return redirect(kept)


@require_POST
@private_page
def removal(request: HttpRequest, code: str, variant_id: int) -> HttpResponse:
    kept = _own(request, code)
    favourites.take_off(kept, variant_id=min(variant_id, 10**LONGEST_ID))
    return redirect(kept)


@require_POST
@private_page
def to_cart(request: HttpRequest, code: str, variant_id: int) -> HttpResponse:
    kept = _own(request, code)
    mine, _token = carts.cart_to_fill(request)
    response = redirect(kept)
    try:
        moved = favourites.move_to_cart(kept, variant_id=min(variant_id, 10**LONGEST_ID), cart=mine)
    except carts.NothingLeft:
        messages.error(request, _("It is sold out."))
    except (carts.CartFull, Cart.DoesNotExist):
        messages.error(request, _("Your cart is full. Order first what is in it."))
    else:
        if moved is not None:
            messages.success(request, _("%(name)s is in your cart.") % {"name": moved.variant.product.name})
    carts.show_count(request, response, carts.count(mine))
    return response


@require_safe
@never_cache
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """A list for whoever has its link: the goods and the list's name, nothing of its member, nothing to change."""
    kept = get_object_or_404(FavouriteList, share_token=token)
    context = {"kept": kept, "entries": favourites.read(kept)}
    response = render(request, "orders/favourites_shared.html", context)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _list_page(request: HttpRequest, kept: FavouriteList, form: NameForm | None = None) -> HttpResponse:
    context = {
        "kept": kept,
        "entries": favourites.read(kept),
        "form": form or NameForm(initial={"name": kept.name}),
        "link": request.build_absolute_uri(f"/favourites/{kept.share_token}/") if kept.share_token else "",
    }
    return render(request, "orders/favourite_list.html", context, status=422 if form is not None else 200)


def _lists(request: HttpRequest):  # type: ignore[no-untyped-def]  # a queryset of the member's lists
    return FavouriteList.objects.filter(user=member(request))


def _own(request: HttpRequest, code: str) -> FavouriteList:
    return get_object_or_404(FavouriteList, user=member(request), code=code)


def _chosen(request: HttpRequest, form: ChoiceForm, mine: list[FavouriteList]) -> FavouriteList:
    wanted = form.cleaned_data["to"]
    if wanted == NEW:
        return favourites.make_list(user=member(request), name=form.cleaned_data["name"])
    return next(kept for kept in mine if kept.code == wanted)


def _too_many() -> str:
    return _("You have %(limit)d lists already. Delete one first.") % {"limit": favourites.MOST_LISTS}


def _offered(text: str) -> ProductVariant:
    """The variant named by the address, when a shopper can see it; sold out or not."""
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        raise Http404
    found = ProductVariant.objects.select_related("product__seller", "stock").filter(pk=int(text), is_active=True)
    variant = found.filter(product__in=Product.objects.on_sale()).first()
    if variant is None:
        raise Http404
    return variant
