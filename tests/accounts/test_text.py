import pytest
from django.core.exceptions import ValidationError

from accounts.text import HiddenCharacter, LineField, NameField, WordsField, one_line


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


@pytest.mark.parametrize(
    "words",
    ["국물이 시원합니다.\n또 사겠습니다.", "2026-11-24 18:00 received, 380원 × 12", "1 000 000 won", "5/5, 100%"],
)
def test_words_for_everybody(words: str) -> None:
    assert WordsField().clean(words) == words


@pytest.mark.parametrize(
    "words",
    [
        "191-234-5678",
        "+850 191 234 5678",
        "0191-2345678",
        "１９１２３４５６７８",
        "١٩١٢٣٤٥٦٧٨",
        "191\n234\n5678",
        "191–234–5678",
        "02-381-5926",
        "9408 1912 3456 7800 8",
        "카드 94081912345678008 입니다",
        "940819123456789",
    ],
)
def test_numbers_that_lead_to_somebody_are_refused(words: str) -> None:
    with pytest.raises(ValidationError):
        WordsField().clean(words)


def test_words_keep_their_paragraphs_and_are_bounded() -> None:
    assert WordsField().clean("  하나 \r\n\r\n\r\n\r\n둘 ") == "하나\n\n둘"
    with pytest.raises(ValidationError):
        WordsField().clean("가\n" * 40)
