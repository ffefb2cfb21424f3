"""Blocks are kept by the places of their bits where these are few: all are packed anew by the job."""

from django.db import migrations, models


# The next ticks of the packing job write them again, a batch a second or faster; lists work without meanwhile.
PACK_ANEW = """
DELETE FROM catalog_block;
DELETE FROM catalog_packed;
INSERT INTO catalog_listingdue (product_id) SELECT product_id FROM catalog_listing;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_search_names_indexed'),
    ]

    operations = [
        migrations.RunSQL(PACK_ANEW, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='block',
            index=models.Index(condition=models.Q(('token__gte', 1125899906842624), ('token__lt', 1407374883553280)), fields=['shelf_id', '-count', 'token'], name='block_sellers'),
        ),
    ]
