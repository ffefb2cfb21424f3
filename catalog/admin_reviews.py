"""Reviews in the admin: staff read, publish, refuse with a reason, and answer; nobody changes a buyer's words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.text import LineField, WordsField
from catalog import reviews
from catalog.admin_languages import NeverDeleted
from catalog.models import Review

AT_ONCE = 100  # no more than a page of the list


class RefusalForm(forms.Form):
    """Why these words stay off the pages: the writer reads it."""

    reason = forms.ChoiceField(
        label=_("Reason"), choices=Review.Reason.choices, widget=UnfoldAdminRadioSelectWidget, required=True
    )
    note = LineField(label=_("In your words"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("reason") == Review.Reason.OTHER and not cleaned.get("note"):
            self.add_error("note", _("Write the reason: the buyer reads it."))
        return cleaned


class AnswerForm(forms.ModelForm):  # type: ignore[type-arg]
    answer = WordsField(label=_("seller's answer"), max_length=1000, required=False, widget=UnfoldAdminTextareaWidget)

    class Meta:
        model = Review
        fields = ["answer"]


@admin.register(Review)
class ReviewAdmin(NeverDeleted, ModelAdmin[Review]):
    """What buyers wrote. The verdict's page shows the words once more; a review changed since then keeps waiting."""

    form = AnswerForm
    list_display = ["product", "stars", "text", "state", "created_at"]
    list_filter = ["state", "stars", "refusal"]
    list_select_related = ["product"]
    list_per_page = AT_ONCE
    list_max_show_all = AT_ONCE
    search_fields = ["product__name_ko_kp", "product__name_en", "text"]
    show_full_result_count = False
    actions = ["publish", "refuse"]
    actions_detail = ["publish_this", "refuse_this"]
    fields = [
        "product",
        "user",
        "stars",
        "text",
        "state",
        "refusal",
        "refusal_note",
        "created_at",
        "answer",
        "answered_at",
    ]
    readonly_fields = [name for name in fields if name != "answer"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Review, form: Any, change: bool) -> None:
        reviews.answer(obj.pk, text=form.cleaned_data["answer"])

    @admin.action(description=_("Publish"), permissions=["change"])
    def publish(self, request: HttpRequest, chosen: QuerySet[Review]) -> HttpResponse:
        return _ask("publish", chosen.values_list("pk", flat=True))

    @admin.action(description=_("Refuse"), permissions=["change"])
    def refuse(self, request: HttpRequest, chosen: QuerySet[Review]) -> HttpResponse:
        return _ask("refuse", chosen.values_list("pk", flat=True))

    @action(description=_("Publish"), url_path="publish", permissions=["change"])
    def publish_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _ask("publish", [object_id])

    @action(description=_("Refuse"), url_path="refuse", permissions=["change"])
    def refuse_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _ask("refuse", [object_id])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.verdict)
        return [path("verdict/<str:verb>/", view, name="catalog_review_verdict"), *super().get_urls()]

    def verdict(self, request: HttpRequest, verb: str) -> HttpResponse:
        """The chosen reviews once more, and one button. Sent twice it decides once."""
        if verb not in ("publish", "refuse"):
            return redirect("admin:catalog_review_changelist")
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = RefusalForm(request.POST if request.method == "POST" else None) if verb == "refuse" else None
        if request.method == "POST" and (form is None or form.is_valid()):
            self._decide(request, form.cleaned_data if form else None)
            return redirect("admin:catalog_review_changelist")
        chosen = Review.objects.filter(pk__in=_ids(request.GET.getlist("review"))).select_related("product__seller")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Publish these reviews?") if form is None else gettext("Refuse these reviews?"),
            "reviews": list(chosen.order_by("pk")),
            "form": form,
            "back": reverse("admin:catalog_review_changelist"),
        }
        status = 422 if form is not None and form.is_bound else 200
        return render(request, "admin/catalog/review/verdict.html", context, status=status)

    def _decide(self, request: HttpRequest, refusal: dict[str, str] | None) -> None:
        done = changed = 0
        for pk, version in sorted(_seen(request.POST.getlist("seen"))):
            try:
                if refusal is None:
                    reviews.publish(pk, version=version)
                else:
                    reviews.refuse(pk, version=version, **refusal)
                done += 1
            except (reviews.Rewritten, Review.DoesNotExist):
                changed += 1
        if refusal is None:
            text = ngettext("%(n)s review is published.", "%(n)s reviews are published.", done)
        else:
            text = ngettext("%(n)s review is refused.", "%(n)s reviews are refused.", done)
        if done or not changed:
            self.message_user(request, text % {"n": done}, messages.SUCCESS)
        if changed:
            text = ngettext(
                "%(n)s review was rewritten meanwhile: read it again.",
                "%(n)s reviews were rewritten meanwhile: read them again.",
                changed,
            )
            self.message_user(request, text % {"n": changed}, messages.WARNING)


def _ask(verb: str, ids: Any) -> HttpResponse:
    query = urlencode([("review", pk) for pk in ids[:AT_ONCE]])
    return redirect(f"{reverse('admin:catalog_review_verdict', args=[verb])}?{query}")


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts[:AT_ONCE] if text.isascii() and text.isdigit() and len(text) < 19]


def _seen(texts: list[str]) -> set[tuple[int, int]]:
    """The reviews and their versions as the page showed them: "17-1"."""
    pairs = [text.partition("-") for text in texts[:AT_ONCE]]
    ids, versions = _ids([pk for pk, _dash, _v in pairs]), _ids([v for _pk, _dash, v in pairs])
    return set(zip(ids, versions, strict=True)) if len(ids) == len(versions) else set()
