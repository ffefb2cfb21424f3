"""The desk of closed days: each day's file against our books, its differences, and what was paid out."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.staff import staff_page
from catalog.models import Seller
from payments.gateway import NoAnswer
from payments.models import DayCut
from payments.reconciliation import BREAKS, Item, NotABreak, State, ask_again, explain, items, reconcile
from payments.settlement import payouts_of, settle_waiting_days, waiting_days
from payments.settlement_models import Explanation, SettlementFile

PAGE = 30
BREAKS_SHOWN = 50
PAYOUTS_SHOWN = 200


class ExplanationForm(forms.Form):
    about = forms.UUIDField(widget=forms.HiddenInput)
    state = forms.ChoiceField(choices=[(state, state) for state in BREAKS], widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Why it may stand"),
        max_length=500,
        error_messages={"required": gettext_lazy("Say why this difference may stand.")},
    )


@require_safe
@staff_page("payments.view_daycut")
def days(request: HttpRequest) -> HttpResponse:
    """Closed days, newest first."""
    cuts = DayCut.objects.select_related("settlement").annotate(explained=Count("explanations")).order_by("-id")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 18:
        cuts = cuts.filter(id__lt=int(before))
    page = list(cuts[: PAGE + 1])
    filed = set(SettlementFile.objects.filter(cut__in=page).values_list("cut_id", flat=True))
    rows = [_row(cut, has_file=cut.pk in filed) for cut in page[:PAGE]]
    return render(
        request,
        "orders/desk/days.html",
        {
            "rows": rows,
            "waiting": waiting_days().count(),
            "next_url": f"?before={page[PAGE - 1].pk}" if len(page) > PAGE else "",
            "first_url": "/admin/desk/money/days/" if before else "",
        },
    )


def _row(cut: DayCut, *, has_file: bool) -> dict[str, Any]:
    settlement = getattr(cut, "settlement", None)
    found = reconcile(cut) if settlement is None and has_file else None
    return {"cut": cut, "settlement": settlement, "has_file": has_file, "found": found}


@require_safe
@staff_page("payments.view_daycut")
def day(request: HttpRequest, day: str) -> HttpResponse:
    """One closed day."""
    return _show(request, _cut(day))


@require_POST
@staff_page("payments.view_daycut", "payments.add_explanation")
def explanations(request: HttpRequest, day: str) -> HttpResponse:
    """Explain one difference, then settle what no longer waits. Said twice, the first word stands."""
    cut = _cut(day)
    form = ExplanationForm(request.POST)
    if not form.is_valid():
        return _show(request, cut, form=form, status=422)
    said = form.cleaned_data
    try:
        explain(cut=cut, about=said["about"], state=said["state"], reason=said["reason"], by=request.user)
    except NotABreak:
        messages.info(request, _("This difference has cleared itself up meanwhile."))
    else:
        for _cut_settled, _settled in settle_waiting_days():
            pass
        messages.success(request, _("The explanation is kept with your name."))
    return redirect("orders:settlement-day", day=str(cut.day))


@require_POST
@staff_page("payments.view_daycut", "payments.add_explanation")
def questions(request: HttpRequest, day: str) -> HttpResponse:
    """Ask the network again what it says to one line."""
    cut = _cut(day)
    try:
        about = UUID(request.POST.get("about", ""))
    except ValueError:
        raise Http404 from None
    try:
        answer = ask_again(about)
    except NoAnswer:
        messages.warning(request, _("The card network cannot be reached. Ask again later."))
    else:
        if answer is None:
            messages.info(request, _("The network says: it never heard of this."))
        elif answer.code == "00":
            messages.info(request, _("The network says: it was approved."))
        else:
            messages.info(request, _("The network says: refused, code %(code)s.") % {"code": answer.code})
    return redirect("orders:settlement-day", day=str(cut.day))


@require_safe
@staff_page("payments.view_daycut")
def file(request: HttpRequest, day: str) -> HttpResponse:
    """The network's file, byte for byte as it came."""
    kept = get_object_or_404(SettlementFile, cut=_cut(day))
    name = f"settlement-{day}.csv"
    return HttpResponse(
        bytes(kept.content),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def _cut(text: str) -> DayCut:
    try:
        wanted = date.fromisoformat(text)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(DayCut.objects.select_related("settlement"), day=wanted)


def _show(request: HttpRequest, cut: DayCut, *, form: ExplanationForm | None = None, status: int = 200) -> HttpResponse:
    kept = SettlementFile.objects.filter(cut=cut).defer("content").first()
    found = reconcile(cut) if kept else None
    broken = items(cut, states=BREAKS, limit=BREAKS_SHOWN) if found and found.breaks else []
    said = {(one.about, one.state): one for one in Explanation.objects.filter(cut=cut).select_related("by")}
    paid = list(payouts_of(cut)[:PAYOUTS_SHOWN])
    owners = [int(row.debit_account.owner) for row in paid if row.debit_account.owner]
    names = {seller.pk: seller.name for seller in Seller.objects.filter(pk__in=owners)}
    context = {
        "cut": cut,
        "kept": kept,
        "found": found,
        "settlement": getattr(cut, "settlement", None),
        "waits": waiting_days().filter(pk=cut.pk).exists(),
        "counts": [(State(state).label, count) for state, count in (found.counts if found else {}).items()],
        "breaks": [_break(item, said, form) for item in broken],
        "more_breaks": bool(found and found.breaks > BREAKS_SHOWN),
        "payouts": [(row, names.get(int(row.debit_account.owner or 0), "")) for row in paid],
        "may_explain": request.user.has_perm("payments.add_explanation"),
    }
    return render(request, "orders/desk/day.html", context, status=status)


def _break(item: Item, said: dict[Any, Explanation], form: ExplanationForm | None) -> dict[str, Any]:
    mine = form is not None and form.data.get("about") == str(item.id)
    return {
        "item": item,
        "difference": (item.filed or 0) - (item.booked or 0),
        "explanation": said.get((item.id, item.state.value)),
        "form": form if mine else None,
    }
