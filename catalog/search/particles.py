"""Particles that running Korean hangs on a noun: 치약하고, 김치는, 사과를."""

from __future__ import annotations

from catalog.search.hangul import syllable

_LONG = "으로부터 에게서 이라도 에서 으로 까지 부터 에게 한테 보다 처럼 마다 이나 이랑 하고".split()
_SHORT = [*"은는이가을를과와의에로도만나랑"]
_PARTICLES = sorted([*_LONG, *_SHORT], key=len, reverse=True)
_AFTER_CONSONANT = {"은", "이", "을", "과", "이나", "이랑", "이라도"}
_AFTER_VOWEL = {"는", "가", "를", "와", "나", "랑"}
RIEUL_FINAL = 8


def strip_particle(word: str) -> str:
    """The noun without its particle, where the sounds agree and at least two syllables are left; else the word."""
    for particle in _PARTICLES:
        noun = word.removesuffix(particle)
        if noun == word or len(noun) < 2:
            continue
        last = syllable(noun[-1])
        if last and _agrees(particle, last.final):
            return noun
    return word


def _agrees(particle: str, final: int) -> bool:
    if particle in _AFTER_CONSONANT:
        return final != 0
    if particle in _AFTER_VOWEL:
        return final == 0
    if particle == "로":
        return final in (0, RIEUL_FINAL)
    if particle == "으로":
        return final not in (0, RIEUL_FINAL)
    return True
