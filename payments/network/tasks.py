"""The simulated network's own jobs."""

from __future__ import annotations

import logging

from procrastinate.contrib.django import app

from payments.network.claims import expire_claims
from payments.network.expiry import expire_holds

log = logging.getLogger(__name__)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="expire_holds", pass_context=False)
def expire(timestamp: int) -> None:
    """Free what is kept back past its time, and end claims nobody answered."""
    holds, claims = expire_holds(), expire_claims()
    if holds or claims:
        log.info("expired: %d authorisations, %d claims", holds, claims)
