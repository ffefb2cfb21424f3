"""Keystrokes, folding and skeletons, on every syllable there is."""

import unicodedata

import pytest

from catalog.search import hangul
from catalog.search.particles import strip_particle
from catalog.search.roman import romanise, skeleton
from catalog.search.units import fold_units

SYLLABLES = [chr(code) for code in range(hangul.FIRST, hangul.LAST + 1)]
# The letters of the Unicode decomposition, typed: an independent way to the same keys.
TYPED = dict(
    zip("ᄀᄁᄂᄃᄄᄅᄆᄇᄈᄉᄊᄋᄌᄍᄎᄏᄐᄑᄒ", "r r s e e f a q q t t d w w c z x v g".split(), strict=True)
)
TYPED |= dict(
    zip(
        (chr(code) for code in range(0x1161, 0x1176)),
        "k o i o j p u p h hk ho hl y n nj np nl b m ml l".split(),
        strict=True,
    )
)
TYPED |= dict(
    zip(
        (chr(code) for code in range(0x11A8, 0x11C3)),
        "r r rt s sw sg e f fr fa fq ft fx fv fg a q qt t t d w c z x v g".split(),
        strict=True,
    )
)


def test_the_keys_of_every_syllable() -> None:
    assert len(SYLLABLES) == 11_172
    for char in SYLLABLES:
        assert hangul.key(char) == "".join(TYPED[letter] for letter in unicodedata.normalize("NFD", char))


@pytest.mark.parametrize("layout", ["KS", "KPS"])
def test_every_syllable_survives_the_keyboard(layout: str) -> None:
    for char in SYLLABLES:
        keys = "".join(
            hangul._TYPED[layout][letter] for part in hangul._letters(char) for letter in hangul._apart(part)
        )
        # On the domestic keyboard ㅒ and ㅖ are Shift with ㅐ and ㅔ, so nothing is lost there either.
        assert hangul.decode(keys, layout) == char


def test_every_syllable_is_half_typed_first() -> None:
    """What stands on the screen on the way to a syllable is a prefix of it."""
    for char in SYLLABLES:
        whole = hangul.key(char)
        letters = [letter for part in hangul._letters(char) for letter in hangul._apart(part)]
        for end in range(1, len(letters)):
            assert whole.startswith(hangul.key(hangul.assemble("".join(letters[:end]))))


def test_folding_twice_is_folding_once() -> None:
    for char in SYLLABLES:
        for word in (char, f"가{char}", f"{char}마", f"가{char}마"):
            assert hangul.fold(hangul.fold(word)) == hangul.fold(word)


@pytest.mark.parametrize(
    ("north", "south"),
    [
        ("랭면", "냉면"),
        ("평양랭면", "평양냉면"),
        ("녀자", "여자"),
        ("료리책", "요리책"),
        ("록두", "녹두"),
        ("나무잎", "나뭇잎"),
        ("고추가루", "고춧가루"),
        ("비률", "비율"),
        ("력사", "역사"),
        ("치솔", "칫솔"),
    ],
)
def test_two_spellings_of_one_word(north: str, south: str) -> None:
    assert hangul.key(hangul.fold(north)) == hangul.key(hangul.fold(south))


@pytest.mark.parametrize(("one", "other"), [("오리", "오이"), ("도로", "도노"), ("나리", "나이"), ("보리", "보이")])
def test_two_words_that_stay_two(one: str, other: str) -> None:
    assert hangul.key(hangul.fold(one)) != hangul.key(hangul.fold(other))


@pytest.mark.parametrize(
    ("korean", "written"),
    [
        ("평양", "P'yŏngyang Pyeongyang Pyongyang"),
        ("고추장", "gochujang kochujang"),
        ("김치", "kimchi gimchi kimch'i"),
        ("송편", "songpyeon songphyon songp'yŏn"),
        ("된장", "doenjang toenjang"),
        ("커피", "keopi khophi k'ŏp'i"),
    ],
)
def test_every_school_of_romanising(korean: str, written: str) -> None:
    assert {skeleton(word) for word in written.split()} == {skeleton(romanise(korean))}


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("500그람", "500g"),
        ("500그램", "500g"),
        ("500 g", "500g"),
        ("0.5키로", "500g"),
        ("1.5킬로그램", "1.5kg"),
        ("1500g", "1.5kg"),
        ("900미리리터", "900ml"),
        ("900밀리리터", "900ml"),
        ("1,000ml", "1l"),
        ("28센치메터", "28cm"),
        ("1.2메터", "1.2m"),
        ("120cm", "1.2m"),
        ("14인치", "14in"),
        ("3키로와트", "3kw"),
        ("20000mah", "20000mah"),
        ("36℃", "36c"),
        ("100평방메터", "100m2"),
        ("5그릇", "5그릇"),
        ("10알", "10알"),
    ],
)
def test_amounts_have_one_spelling(written: str, folded: str) -> None:
    assert fold_units(written).strip() == folded


@pytest.mark.parametrize(
    ("word", "noun"),
    [
        ("치약하고", "치약"),
        ("김치는", "김치"),
        ("책가방과", "책가방"),
        ("우산이", "우산"),
        ("자전거로", "자전거"),
        ("사과", "사과"),
        ("오이", "오이"),
        ("고추장와", "고추장와"),
    ],
)
def test_particles(word: str, noun: str) -> None:
    assert strip_particle(word) == noun


@pytest.mark.parametrize(
    ("typed", "layout", "meant"),
    [
        ("vuddid", "KS", "평양"),
        ("tpxkrrl", "KS", "세탁기"),
        ("vyddmd", "KPS", "평양"),
        ("Sjseusk", "KPS", "깍두기"),
        ("TPXKRRL", "KS", "세탁기"),
    ],
)
def test_the_latin_keyboard_left_on(typed: str, layout: str, meant: str) -> None:
    assert hangul.key(hangul.decode(typed, layout)) == hangul.key(meant)


def test_the_korean_keyboard_left_on() -> None:
    assert hangul.encode("ㅣ메새ㅔ", "KS") == "laptop"
