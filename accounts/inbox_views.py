"""The member's inbox."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import inbox
from accounts.models import InboxMessage
from accounts.private import member, private_page

ON_PAGE = 20
LONGEST_ID = 18  # digits


@require_safe
@private_page
def inbox_page(request: HttpRequest) -> HttpResponse:
    """The newest messages first, read by key. Looking changes nothing: a button says that they are read."""
    user = member(request)
    found = InboxMessage.objects.filter(user=user)
    before = _number(request.GET.get("before", ""))
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found[: ON_PAGE + 1])
    shown = rows[:ON_PAGE]
    context = {
        "inbox": shown,
        "unread": inbox.unread(user),
        "next_url": f"?before={shown[-1].pk}" if len(rows) > ON_PAGE else "",
        "first_url": "?" if before else "",
    }
    return render(request, "accounts/inbox.html", context)


@require_POST
@private_page
def reading(request: HttpRequest) -> HttpResponse:
    inbox.mark_read(member(request), until=_number(request.POST.get("until", "")))
    return redirect("accounts:inbox")


def _number(text: str) -> int:
    """The id in the address, or 0 for whatever is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_ID else 0
