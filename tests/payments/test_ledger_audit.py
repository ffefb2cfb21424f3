"""The last test of a session: all that the others did is in the ledger, and it agrees with itself."""

from io import StringIO

import pytest
from django.core.management import call_command

from orders.audit import AUDITS as ORDERS
from payments import audit
from payments.models import Transfer


@pytest.mark.ledger(last=True)
def test_the_ledger_agrees_with_itself(request):
    out = StringIO()
    call_command("audit_ledger", stdout=out)
    assert "ok   audit_seal" in out.getvalue()
    assert [finding.view for finding in audit.audit() if finding.rows] == []
    assert audit.count().is_whole
    # Many tests of the ledger pay for orders that are only a code.
    of_orders = {view: meaning for view, meaning in ORDERS.items() if view != "orders_audit_payment"}
    assert {finding.view: finding.first for finding in audit.audit(of_orders) if finding.rows} == {}
    modules = {item.module.__name__ for item in request.session.items}
    if {"tests.payments.test_at_once", "tests.payments.test_refusals"} <= modules:  # not for one file alone
        assert Transfer.objects.count() >= 40
