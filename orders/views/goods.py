"""Goods that sellers offer: /admin/desk/goods/. A seller's people write, the bureau decides with one click."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.private import member
from accounts.staff import staff_page
from accounts.text import LineField
from catalog import goods_offers, renditions
from catalog.models import Category, GoodsOffer, Seller

PERMISSION, DECIDES = "catalog.offer_goods", "catalog.decide_goods"
ON_PAGE = 20
HIGHEST_PRICE, MOST_PIECES, HEAVIEST_G = 10_000_000, 1_000_000, 1_000_000


class OfferForm(forms.Form):
    """What a seller says of new goods, in one language."""

    use_required_attribute = False
    RULES = [
        ("", gettext_lazy("Ordinary goods")),
        ("medicine", gettext_lazy("Medicine")),
        ("liquor", gettext_lazy("Liquor")),
    ]

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    name = LineField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("In one language. The bureau adds the other."),
        max_length=120,
    )
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"), queryset=Category.objects.filter(is_active=True), empty_label="—"
    )
    price = forms.IntegerField(
        label=gettext_lazy("Price in won"),
        min_value=1,
        max_value=HIGHEST_PRICE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    unit = LineField(
        label=gettext_lazy("Sold by"), help_text=gettext_lazy("Bottle, bowl, pair: one piece of it."), max_length=20
    )
    weight_g = forms.IntegerField(
        label=gettext_lazy("Weight of one piece, packed, in grams"),
        min_value=1,
        max_value=HEAVIEST_G,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    pieces = forms.IntegerField(
        label=gettext_lazy("Pieces that stand ready"),
        min_value=0,
        max_value=MOST_PIECES,
        initial=0,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    rule = forms.ChoiceField(
        label=gettext_lazy("Rules"), choices=RULES, initial="", required=False, widget=forms.RadioSelect
    )
    picture = forms.FileField(
        label=gettext_lazy("Picture"),
        help_text=gettext_lazy("JPEG, PNG, WebP or AVIF."),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )

    def clean_picture(self) -> UploadedFile[bytes] | None:
        upload: UploadedFile[bytes] | None = self.cleaned_data.get("picture")
        if upload is not None:
            try:
                renditions.judge(upload.read(renditions.BYTES_LIMIT + 1))
            except renditions.PictureRefused as refused:
                raise forms.ValidationError(str(refused)) from refused
            upload.seek(0)
        return upload

    @property
    def goods(self) -> goods_offers.Goods:
        given = self.cleaned_data
        told: dict[str, Any] = {
            name: given[name] for name in ("name", "unit", "category", "price", "weight_g", "pieces")
        }
        return goods_offers.Goods(**told, is_medicine=given["rule"] == "medicine", is_liquor=given["rule"] == "liquor")


class RefusalForm(forms.Form):
    use_required_attribute = False

    reason = LineField(label=gettext_lazy("Why not"), help_text=gettext_lazy("The seller reads this."), max_length=200)


@require_safe
@staff_page(PERMISSION)
def offers(request: HttpRequest) -> HttpResponse:
    """For the bureau what waits, the oldest first; for a seller's person all of their own, the newest first."""
    decides = request.user.has_perm(DECIDES)
    found = _offers(request).select_related("product__seller", "product__category", "by")
    found = found.prefetch_related("product__variants", "product__pictures")
    after = _number(request.GET.get("after", ""))
    if decides:
        found = found.filter(state=GoodsOffer.State.WAITING, pk__gt=after).order_by("pk")
    else:
        found = (found.filter(pk__lt=after) if after else found).order_by("-pk")
    rows = list(found[: ON_PAGE + 1])
    shown = rows[:ON_PAGE]
    context = {
        "offers": shown,
        "decides": decides,
        "sellers": list(Seller.objects.filter(people__user=member(request))),
        "next_url": f"?after={shown[-1].pk}" if len(rows) > ON_PAGE else "",
        "first_url": "?" if after else "",
    }
    return render(request, "orders/desk/goods.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(PERMISSION)
def new_offer(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, for those who answer for the seller. Sent twice it is one offer."""
    seller = get_object_or_404(Seller, slug=slug, people__user=member(request))
    form = OfferForm(request.POST, request.FILES) if request.method == "POST" else OfferForm()
    if form.is_valid():
        given = form.cleaned_data
        goods_offers.offer_goods(
            seller=seller, goods=form.goods, token=given["token"], by=member(request), picture=given["picture"]
        )
        messages.success(request, _("Offered. The bureau looks at it; until then nobody sees it in the shop."))
        return redirect("orders:goods")
    context = {"seller": seller, "form": form}
    return render(request, "orders/desk/goods_new.html", context, status=422 if form.errors else 200)


@require_POST
@staff_page(PERMISSION, DECIDES)
def approval(request: HttpRequest, token: UUID) -> HttpResponse:
    """Put the goods on sale, with one click."""
    try:
        offer = goods_offers.approve(token, by=member(request))
    except GoodsOffer.DoesNotExist:
        raise Http404 from None
    except goods_offers.AlreadyDecided:
        messages.error(request, _("These goods were refused already."))
    else:
        messages.success(request, _("%(name)s is on sale.") % {"name": offer.product.name})
    return redirect("orders:goods")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(PERMISSION, DECIDES)
def refusal(request: HttpRequest, token: UUID) -> HttpResponse:
    """Refuse the goods, with a reason for the seller."""
    offer = get_object_or_404(GoodsOffer.objects.select_related("product__seller"), token=token)
    form = RefusalForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            goods_offers.refuse(token, reason=form.cleaned_data["reason"], by=member(request))
        except goods_offers.AlreadyDecided:
            messages.error(request, _("These goods are on sale already. Hide them in the admin."))
        else:
            messages.success(request, _("Refused. The seller reads why."))
        return redirect("orders:goods")
    context = {"offer": offer, "form": form}
    return render(request, "orders/desk/goods_refusal.html", context, status=422 if form.errors else 200)


def _offers(request: HttpRequest) -> QuerySet[GoodsOffer]:
    if request.user.has_perm(DECIDES):
        return GoodsOffer.objects.all()
    return GoodsOffer.objects.filter(product__seller__people__user=member(request))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
