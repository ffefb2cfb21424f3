"""Vehicles, fees and how parcels share one."""

import pytest

from accounts.models import District
from catalog.models import Seller
from orders.fees import Ride, delivery_fee, dish_minimum, shared_fees, vehicle_for
from orders.models import Vehicle

CENTRAL = District(slug="chung", fee=100, zone_id="A")


@pytest.mark.parametrize(
    ("weight", "needs_van", "vehicle"),
    [(10_000, False, "motorbike"), (10_001, False, "van"), (500, True, "van")],
)
def test_a_motorbike_carries_ten_kilograms(weight: int, needs_van: bool, vehicle: str) -> None:
    assert vehicle_for(weight_g=weight, needs_van=needs_van) == vehicle


def test_a_van_costs_four_times_as_much() -> None:
    assert delivery_fee(CENTRAL, Vehicle.MOTORBIKE) == 100
    assert delivery_fee(CENTRAL, Vehicle.VAN) == 400


def ride(district: int = 1, window: str = "a", vehicle: str = "motorbike", fee: int = 100) -> Ride:
    return Ride(seller_district_id=district, window=window, vehicle=vehicle, fee=fee)


def test_parcels_that_ride_together_pay_the_larger_fee_once() -> None:
    assert shared_fees([ride(fee=100), ride(fee=150), None]) == [0, 150, 0]
    assert shared_fees([ride(), ride()]) == [100, 0]


@pytest.mark.parametrize("other", [ride(district=2), ride(window="b"), ride(vehicle="van")])
def test_other_districts_windows_and_vehicles_pay_for_themselves(other: Ride) -> None:
    assert shared_fees([ride(), other]) == [100, 100]


@pytest.mark.parametrize(("zone", "least"), [("A", 0), ("B", 1_000), ("C", None), ("D", None)])
def test_dishes_go_only_nearby(zone: str, least: int | None) -> None:
    assert dish_minimum(Seller(kind="restaurant"), District(zone_id=zone, fee=1)) == least
    assert dish_minimum(Seller(kind="shop"), District(zone_id=zone, fee=1)) == 0
