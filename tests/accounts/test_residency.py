"""The residents-only policy, as a table."""

import pytest

from accounts.models import User
from accounts.residency import NotResident, require_domestic_number, require_resident


@pytest.mark.parametrize(
    ("phone", "name", "card_code", "may_buy"),
    [
        ("1912345678", "김은주", "00", True),  # domestic number, resident's won card, same name
        ("1951112222", "김은주", "00", True),
        ("1912345678", "김은주", "57", False),  # other currency, not a resident's, or another holder
        ("1912345678", "  ", "00", False),  # no name to compare
        ("2125551234", "김은주", "00", False),  # not a domestic mobile number
        ("2125551234", "김은주", "57", False),
    ],
)
def test_who_may_buy(phone: str, name: str, card_code: str, may_buy: bool) -> None:
    user = User(phone=phone, name=name)
    if may_buy:
        require_resident(user=user, card_code=card_code)
    else:
        with pytest.raises(NotResident) as refusal:
            require_resident(user=user, card_code=card_code)
        assert str(refusal.value.reason)


@pytest.mark.parametrize("code", ["55", "14", "51", "91", ""])
def test_an_answer_about_something_else_is_not_taken_for_residency(code: str) -> None:
    with pytest.raises(ValueError, match="residency"):
        require_resident(user=User(phone="1912345678", name="김은주"), card_code=code)


def test_foreign_numbers_do_not_join() -> None:
    require_domestic_number("+850 191-234-5678")
    with pytest.raises(NotResident):
        require_domestic_number("+82 10-1234-5678")
