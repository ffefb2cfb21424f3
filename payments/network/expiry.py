"""What is over by itself: authorisations past their time, claims nobody answered."""

from __future__ import annotations

from django.db.models.functions import Now

from payments.network.acting import as_network
from payments.network.models import Authorisation
from payments.network.verbs import expire_due, lock_balances, retrying


def expire_holds(*, limit: int = 500) -> int:
    """Free what due authorisations keep back, card by card, each under its lock; how many authorisations.

    Every verb about a card does the same first, so nothing waits for this: it is for cards nobody uses.
    """
    due = Authorisation.objects.filter(state=Authorisation.State.OPEN, expires_at__lte=Now())
    accounts = due.order_by("account_id").values_list("account_id", flat=True).distinct()[:limit]
    return sum(_expire(account_id) for account_id in list(accounts) if account_id is not None)


@retrying
def _expire(account_id: int) -> int:
    with as_network():
        lock_balances(account_id)
        return expire_due(account_id)
