import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from catalog.search import evaluation
from catalog.search.evaluation import BadFile, Case, Evaluation


class Command(BaseCommand):
    help = (
        "Ask the search for cases over a catalogue: recall at 1 and at 10 by kind, and every miss. "
        "Everything happens in a scratch database that is dropped at the end; needs the right to create one. "
        "For whoever changes a rule of the search. Exit status 1 when a case is missed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--catalogue", required=True, type=Path, help="TSV: name_ko, name_en, category_ko, …")
        parser.add_argument("--cases", required=True, type=Path, help="TSV: query, must_find (names by |), kind")
        parser.add_argument("--negative", type=Path, help="TSV: query, must_not, why")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(
        self, *args: Any, catalogue: Path, cases: Path, negative: Path | None, as_json: bool, **options: Any
    ) -> None:
        try:
            rows = evaluation.read_catalogue(catalogue)
            asked = evaluation.read_cases(cases)
            unwanted = evaluation.read_negatives(negative) if negative else []
        except BadFile as bad:
            raise CommandError(str(bad)) from bad
        try:
            with evaluation.scratch_database():
                evaluation.load(rows)
                result = evaluation.evaluate(asked, unwanted)
        except DatabaseError as refused:
            raise CommandError(f"The scratch database could not be used: {refused}") from refused
        except KeyboardInterrupt:
            raise CommandError("Stopped; the scratch database is gone.", returncode=130) from None
        unknown = evaluation.unknown_names(asked, rows)
        self.stdout.write(_as_json(result, unwanted) if as_json else _report(result, unwanted, unknown))
        if result.broken or result.total[0] != result.total[2]:
            sys.exit(1)


def _report(result: Evaluation, unwanted: list[Case], unknown: list[tuple[Case, str]]) -> str:
    lines = [f"{'kind':<22}{'cases':>7}{'at 1':>9}{'at 10':>9}"]
    for kind, (count, first, ten) in sorted(result.by_kind().items()):
        lines.append(f"{kind:<22}{count:>7}{first / count:>9.1%}{ten / count:>9.1%}")
    count, first, ten = result.total
    if count:
        lines.append(f"{'all':<22}{count:>7}{first / count:>9.1%}{ten / count:>9.1%}")
    spent = sorted(outcome.milliseconds for outcome in result.outcomes)
    if spent:
        lines.append(f"time a query: median {spent[len(spent) // 2]:.1f} ms, longest {spent[-1]:.1f} ms")
    for outcome in result.outcomes:
        if not outcome.in_ten:
            lost = ", ".join(name for name, place in outcome.places.items() if place is None or place > 10)
            listed = ", ".join(outcome.listed[:5]) or "nothing"
            case = outcome.case
            lines.append(f"miss: line {case.line} {case.query!r} ({case.kind}) lost {lost}; listed {listed}")
    if unwanted:
        lines.append(f"negative cases: {len(unwanted) - len(result.broken)} of {len(unwanted)} hold")
    lines += [f"broken: line {case.line} {case.query!r}: {problem} ({case.kind})" for case, problem in result.broken]
    lines += [f"warning: line {case.line} wants {name!r}, which the catalogue does not have" for case, name in unknown]
    return "\n".join(lines)


def _as_json(result: Evaluation, unwanted: list[Case]) -> str:
    count, first, ten = result.total
    kinds = {
        kind: {"cases": n, "recall_at_1": one / n, "recall_at_10": in_ten / n}
        for kind, (n, one, in_ten) in sorted(result.by_kind().items())
    }
    return json.dumps(
        {
            "cases": count,
            "recall_at_1": first / count if count else None,
            "recall_at_10": ten / count if count else None,
            "kinds": kinds,
            "misses": [
                {
                    "line": missed.case.line,
                    "query": missed.case.query,
                    "kind": missed.case.kind,
                    "places": missed.places,
                    "listed": missed.listed[:10],
                }
                for missed in result.outcomes
                if not missed.in_ten
            ],
            "negative": {
                "cases": len(unwanted),
                "broken": [{"line": c.line, "query": c.query, "why": problem} for c, problem in result.broken],
            },
        },
        ensure_ascii=False,
        indent=1,
    )
