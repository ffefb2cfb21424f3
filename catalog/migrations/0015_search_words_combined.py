import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0014_imports'),
    ]

    # The new one first: until the old one is gone searches are answered by it.
    operations = [
        migrations.AddIndex(
            model_name='searchdoc',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass('k', name='gin_trgm_ops'), django.contrib.postgres.indexes.OpClass('f', name='gin_trgm_ops'), django.contrib.postgres.indexes.OpClass('c', name='gin_trgm_ops'), django.contrib.postgres.indexes.OpClass('r', name='gin_trgm_ops'), django.contrib.postgres.indexes.OpClass('e', name='gin_trgm_ops'), models.F('d'), fastupdate=False, name='searchdoc_words'),
        ),
        migrations.RemoveIndex(
            model_name='searchdoc',
            name='searchdoc_keys',
        ),
    ]
