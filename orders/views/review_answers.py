"""The desk where a seller's people, or the bureau for them, answer what buyers wrote."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.private import member
from accounts.staff import staff_page
from accounts.text import WordsField
from catalog import reviews
from catalog.models import Review

ON_PAGE = 20
LARGEST_ID = 2**63 - 1


class AnswerForm(forms.Form):
    use_required_attribute = False

    answer = WordsField(
        label=gettext_lazy("The seller's answer"),
        help_text=gettext_lazy("Stands under the review for everybody. Left empty, the answer is taken away."),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


@require_safe
@staff_page("catalog.answer_review")
def answers(request: HttpRequest) -> HttpResponse:
    """Published reviews of the goods this person answers for, the newest first; `open=1` those without an answer."""
    found = _reviews(request)
    only_open = request.GET.get("open") == "1"
    if only_open:
        found = found.filter(answer="")
    text = request.GET.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found.select_related("product__seller").order_by("-pk")[: ON_PAGE + 1])
    shown, here = rows[:ON_PAGE], "?open=1" if only_open else "?"
    context = {
        "reviews": shown,
        "only_open": only_open,
        "next_url": f"{here}&before={shown[-1].pk}" if len(rows) > ON_PAGE else "",
        "first_url": here if before else "",
    }
    return render(request, "orders/desk/reviews.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page("catalog.answer_review")
def answer(request: HttpRequest, review_id: int) -> HttpResponse:
    found = _reviews(request).select_related("product__seller")
    review = get_object_or_404(found, pk=min(review_id, LARGEST_ID))
    form = AnswerForm(request.POST if request.method == "POST" else None, initial={"answer": review.answer})
    if form.is_valid():
        reviews.answer(review.pk, text=form.cleaned_data["answer"])
        messages.success(request, _("The answer is saved."))
        return redirect("orders:review-answers")
    context = {"review": review, "form": form}
    return render(request, "orders/desk/review_answer.html", context, status=422 if form.errors else 200)


def _reviews(request: HttpRequest) -> QuerySet[Review]:
    published = Review.objects.filter(state=Review.State.PUBLISHED)
    if request.user.has_perm("orders.see_every_parcel"):
        return published
    return published.filter(product__seller__people__user=member(request))
