"""The first pairs of words, so that a fresh shop understands them; staff add to them in the admin."""

import csv
from pathlib import Path

from django.db import migrations

SEED = Path(__file__).resolve().parents[1] / "search/synonyms.tsv"


def sow(apps, schema_editor):
    synonym = apps.get_model("catalog", "SearchSynonym")
    with SEED.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        synonym.objects.bulk_create(
            [synonym(south=row["south"], north=row["north"], source=row["source"]) for row in rows],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_search")]
    operations = [migrations.RunPython(sow, migrations.RunPython.noop)]
