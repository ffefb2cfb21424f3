import pytest
from django.core.exceptions import ValidationError

from accounts.text import HiddenCharacter, LineField, NameField, one_line


def test_decomposed_hangul_is_composed() -> None:
    assert one_line("김은주") == "김은주"


def test_line_breaks_and_runs_of_blanks_become_one_blank() -> None:
    assert one_line("  두번째\r\n 현관\t왼쪽 ") == "두번째 현관 왼쪽"


@pytest.mark.parametrize(
    "character",
    ["\u115f", "\u1160", "\u3164", "\uffa0", "\u200b", "\u200d", "\ufeff", "\u202e", "\u2066", "\x07", "\0", "\ud800"],
)
def test_what_cannot_be_seen_is_refused(character: str) -> None:
    with pytest.raises(HiddenCharacter):
        one_line(f"김{character}은주")


def test_two_hundred_marks_on_one_letter_are_refused() -> None:
    with pytest.raises(HiddenCharacter):
        one_line("a" + "\u0301" * 200)


@pytest.mark.parametrize("name", ["김은주", "Kim Un Ju", "O'Brien-Lee", "Ли Ён Сук", "José"])
def test_names_people_bear(name: str) -> None:
    assert NameField().clean(name) == name


@pytest.mark.parametrize("name", ["", "   ", "\u3164", "\u200b", "-.-", "김은주7", "<b>", "김" * 61, "😀"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        NameField().clean(name)


@pytest.mark.parametrize(
    "note",
    ["94081912345678008", "card 9408 1912 3456 7800 8!", "9408-1912-3456-78008", "\uff19" * 17],
)
def test_a_card_number_in_the_wrong_field_is_refused(note: str) -> None:
    with pytest.raises(ValidationError) as told:
        LineField().clean(note)
    assert told.value.error_list[0].code == "card"


@pytest.mark.parametrize("note", ["191-234-5678 193-234-5678", "1234567890123456", "3층 12호 010203"])
def test_other_numbers_are_taken(note: str) -> None:
    assert LineField().clean(note) == note
