import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override

from accounts.phone import NotAPhone, NotDomestic, PhoneField, WrongLength, normalise_phone


@pytest.mark.parametrize(
    "text",
    [
        "1912345678",
        "191-234-5678",
        " 191 234 5678 ",
        "+850 191-234-5678",
        "+850 (0)191 234 5678",
        "00850191 234 5678",
        "850 1912345678",
        "0191-234-5678",
        "１９１－２３４－５６７８",
        "＋８５０　１９１　２３４　５６７８",
        "191.234.5678",
        "191–234–5678",
    ],
)
def test_every_spelling_of_one_number_is_the_same_number(text: str) -> None:
    assert normalise_phone(text) == "1912345678"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("191-234-567", WrongLength),
        ("191-234-56789", WrongLength),
        ("1" * 30, WrongLength),
        ("", NotAPhone),
        ("+", NotAPhone),
        ("telephone", NotAPhone),
        ("191234567٨", NotAPhone),  # Arabic digits are not folded
        ("191234567²", NotAPhone),
        ("191_234_5678", NotAPhone),
        ("1912345678\0", NotAPhone),
        ("1" * 10_000, NotAPhone),
        ("010-1234-5678", NotDomestic),
        ("192-234-5678", NotDomestic),
        ("212-345-6789", NotDomestic),
        ("+82 10-1234-5678", NotDomestic),
        ("+86 191 2345 6789", NotDomestic),
        ("0086 13912345678", NotDomestic),
    ],
)
def test_anything_else_is_refused(text: str, refusal: type[ValueError]) -> None:
    with pytest.raises(refusal):
        normalise_phone(text)


def test_the_field_says_how_many_digits_are_there() -> None:
    with override("en"), pytest.raises(ValidationError) as refusal:
        PhoneField().clean("191-234-567")
    assert refusal.value.messages == ["It must have ten digits and has 9."]


def test_a_stored_number_is_shown_as_people_write_it() -> None:
    assert PhoneField().prepare_value("1912345678") == "191-234-5678"
    assert PhoneField().prepare_value("191 23") == "191 23"
