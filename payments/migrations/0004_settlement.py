from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

GUARDS = (Path(__file__).resolve().parent.parent / "sql" / "0004_settlement.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0003_keep_audit_runs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SettlementFile',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('content', models.BinaryField()),
                ('lines', models.PositiveIntegerField(verbose_name='lines')),
                ('captured', models.BigIntegerField(verbose_name='captured')),
                ('returned', models.BigIntegerField(verbose_name='returned')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='imported at')),
                ('cut', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='settlement_file', to='payments.daycut', verbose_name='closed day')),
            ],
            options={
                'verbose_name': 'settlement file',
                'verbose_name_plural': 'settlement files',
            },
        ),
        migrations.CreateModel(
            name='Settlement',
            fields=[
                ('cut', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='settlement', serialize=False, to='payments.daycut', verbose_name='closed day')),
                ('received', models.BigIntegerField(db_default=0, default=0, verbose_name='received')),
                ('returned', models.BigIntegerField(db_default=0, default=0, verbose_name='given back')),
                ('paid_out', models.BigIntegerField(db_default=0, default=0, verbose_name='paid out')),
                ('payouts', models.PositiveIntegerField(db_default=0, default=0, verbose_name='payouts')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='settled at')),
                ('file', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='settlement', to='payments.settlementfile', verbose_name='settlement file')),
            ],
            options={
                'verbose_name': 'settled day',
                'verbose_name_plural': 'settled days',
            },
        ),
        migrations.CreateModel(
            name='SettlementLine',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField(verbose_name='line')),
                ('verb', models.CharField(choices=[('capture', 'capture'), ('refund', 'refund'), ('chargeback', 'chargeback')], max_length=10, verbose_name='what')),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('network_seq', models.BigIntegerField(verbose_name="network's number")),
                ('at', models.DateTimeField(verbose_name='at')),
                ('capture', models.UUIDField(blank=True, null=True, verbose_name='disputed capture')),
                ('file', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='payments.settlementfile', verbose_name='settlement file')),
            ],
            options={
                'verbose_name': 'line of a settlement file',
                'verbose_name_plural': 'lines of settlement files',
            },
        ),
        migrations.CreateModel(
            name='Explanation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('about', models.UUIDField(verbose_name='about')),
                ('state', models.CharField(max_length=12, verbose_name='difference')),
                ('reason', models.CharField(max_length=500, verbose_name='reason')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='at')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                ('cut', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='explanations', to='payments.daycut', verbose_name='closed day')),
            ],
            options={
                'verbose_name': 'explanation',
                'verbose_name_plural': 'explanations',
                'constraints': [models.UniqueConstraint(fields=('cut', 'about', 'state'), name='explanation_once'), models.CheckConstraint(condition=models.Q(('state__in', ['differs', 'network_only', 'shop_only'])), name='explanation_of_a_break'), models.CheckConstraint(condition=models.Q(('reason__regex', '\\S')), name='explanation_says_something')],
            },
        ),
        migrations.AddConstraint(
            model_name='settlementfile',
            constraint=models.CheckConstraint(condition=models.Q(('captured__gte', 0), ('returned__gte', 0)), name='settlement_file_sums_positive'),
        ),
        migrations.AddConstraint(
            model_name='settlement',
            constraint=models.CheckConstraint(condition=models.Q(('paid_out__gte', 0), ('received__gte', 0), ('returned__gte', 0)), name='settlement_sums_positive'),
        ),
        migrations.AddConstraint(
            model_name='settlementline',
            constraint=models.UniqueConstraint(fields=('file', 'position'), name='settlement_line_one_per_place'),
        ),
        migrations.AddConstraint(
            model_name='settlementline',
            constraint=models.CheckConstraint(condition=models.Q(('amount__range', (1, 1000000000000))), name='settlement_line_amount_in_range'),
        ),
        migrations.AddConstraint(
            model_name='settlementline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('capture__isnull', True), ('verb__in', ['capture', 'refund'])), models.Q(('capture__isnull', False), ('verb', 'chargeback')), _connector='OR'), name='settlement_line_verb_known'),
        ),
        migrations.RunSQL(GUARDS),
    ]
