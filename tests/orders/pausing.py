"""A gateway for kill tests: the network has written its answer, the shop never hears it."""

from __future__ import annotations

import time

from payments.gateway import Answer, Ask, Presented
from payments.network.gateway import SimulatedGateway


class PausingGateway(SimulatedGateway):
    def authorise(self, ask: Ask, card: Presented) -> Answer:
        answer = super().authorise(ask, card)
        time.sleep(120)
        return answer
