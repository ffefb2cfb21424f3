from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

GUARDS = (Path(__file__).resolve().parent.parent / "sql" / "0004_chargeback.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):

    dependencies = [
        ('network', '0003_card_life'),
    ]

    operations = [
        migrations.CreateModel(
            name='Chargeback',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('capture', models.UUIDField(db_index=True, verbose_name='capture')),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='at')),
            ],
            options={
                'verbose_name': 'chargeback',
                'verbose_name_plural': 'chargebacks',
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__range', (1, 1000000000000))), name='chargeback_amount_in_range')],
            },
        ),
        migrations.RunSQL(GUARDS),
    ]
