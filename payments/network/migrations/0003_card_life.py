"""The card's whole life: instructions, claims, loads by two persons, the desk's acts, with their guards."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

GUARDS = (Path(__file__).resolve().parent.parent / "sql" / "0003_card_life.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):

    dependencies = [
        ('network', '0002_guards'),
        ('payments', '0002_guards'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='card',
            options={'permissions': [('run_card_desk', 'Can work at the card desk')], 'verbose_name': 'card', 'verbose_name_plural': 'cards'},
        ),
        migrations.CreateModel(
            name='Instruction',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('send', 'send to another card'), ('redeem', 'pay out in cash')], max_length=8, verbose_name='kind')),
                ('last4', models.CharField(max_length=4, verbose_name='last four digits')),
                ('payee_last4', models.CharField(blank=True, db_default='', default='', max_length=4, verbose_name="payee's last four digits")),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('fee', models.BigIntegerField(db_default=0, default=0, verbose_name='fee')),
                ('code', models.CharField(max_length=2, verbose_name='code')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='at')),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='instructions', to='payments.account', verbose_name='account')),
                ('payee', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.account', verbose_name='payee')),
            ],
            options={
                'verbose_name': 'instruction',
                'verbose_name_plural': 'instructions',
            },
        ),
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('state', models.CharField(choices=[('open', 'open'), ('agreed', 'agreed'), ('refused', 'refused'), ('expired', 'expired')], db_default='open', default='open', max_length=8, verbose_name='state')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='claimed at')),
                ('expires_at', models.DateTimeField(verbose_name='can be answered until')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('instruction', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='claim', to='network.instruction', verbose_name='sending')),
            ],
            options={
                'verbose_name': 'claim',
                'verbose_name_plural': 'claims',
            },
        ),
        migrations.CreateModel(
            name='LoadProposal',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('deposit', models.UUIDField(verbose_name='deposit')),
                ('line', models.CharField(max_length=40, verbose_name='deposit line')),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('state', models.CharField(choices=[('open', 'open'), ('agreed', 'agreed'), ('refused', 'refused')], db_default='open', default='open', max_length=8, verbose_name='state')),
                ('proposed_by', models.BigIntegerField(verbose_name='proposed by')),
                ('proposed_phone', models.CharField(max_length=20, verbose_name='proposed by')),
                ('decided_by', models.BigIntegerField(blank=True, null=True, verbose_name='decided by')),
                ('decided_phone', models.CharField(blank=True, db_default='', default='', max_length=20, verbose_name='decided by')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='proposed at')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.account', verbose_name='account')),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='load_proposals', to='network.card', verbose_name='card')),
            ],
            options={
                'verbose_name': 'proposed load',
                'verbose_name_plural': 'proposed loads',
            },
        ),
        migrations.CreateModel(
            name='Act',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('issued', 'Card issued'), ('loaded', 'Topped up'), ('proposed', 'Top-up proposed'), ('agreed', 'Top-up agreed'), ('refused', 'Top-up refused'), ('redeemed', 'Paid out'), ('lost', 'Reported lost'), ('stolen', 'Reported stolen'), ('replaced', 'Replaced by another card'), ('blocked', 'Blocked'), ('unblocked', 'Block lifted'), ('pin', 'New PIN'), ('limits', 'Limits changed'), ('claimed', 'Mistaken sending claimed'), ('answered', 'Claim answered')], max_length=10, verbose_name='what')),
                ('code', models.CharField(db_default='00', default='00', max_length=2, verbose_name='code')),
                ('detail', models.CharField(blank=True, db_default='', default='', max_length=120, verbose_name='detail')),
                ('staff_id', models.BigIntegerField(blank=True, null=True, verbose_name='member of staff')),
                ('staff_phone', models.CharField(blank=True, db_default='', default='', max_length=20, verbose_name='by')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='at')),
                ('card', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='acts', to='network.card', verbose_name='card')),
            ],
            options={
                'verbose_name': 'act at the card desk',
                'verbose_name_plural': 'acts at the card desk',
                'indexes': [models.Index(fields=['card', '-created_at'], name='act_of_card')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['issued', 'loaded', 'proposed', 'agreed', 'refused', 'redeemed', 'lost', 'stolen', 'replaced', 'blocked', 'unblocked', 'pin', 'limits', 'claimed', 'answered'])), name='act_kind_known')],
            },
        ),
        migrations.AddIndex(
            model_name='instruction',
            index=models.Index(fields=['account', 'created_at'], name='instruction_recent'),
        ),
        migrations.AddConstraint(
            model_name='instruction',
            constraint=models.CheckConstraint(condition=models.Q(('amount__range', (1, 1000000000000)), ('fee__range', (0, 1000000000000))), name='instruction_amount_in_range'),
        ),
        migrations.AddConstraint(
            model_name='instruction',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'send'), ('payee__isnull', False)), models.Q(('fee', 0), ('kind', 'redeem'), ('payee__isnull', True)), _connector='OR'), name='instruction_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='instruction',
            constraint=models.CheckConstraint(condition=models.Q(('payee__isnull', True), models.Q(('payee', models.F('account')), _negated=True), _connector='OR'), name='instruction_between_two_accounts'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['expires_at'], name='claim_open'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('state', 'open')), models.Q(('decided_at__isnull', False), ('state__in', ['agreed', 'refused', 'expired'])), _connector='OR'), name='claim_decided_with_time'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='claim_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='loadproposal',
            constraint=models.CheckConstraint(condition=models.Q(('amount__range', (1, 1000000000000))), name='load_proposal_amount_in_range'),
        ),
        migrations.AddConstraint(
            model_name='loadproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('state', 'open')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('state__in', ['agreed', 'refused'])), _connector='OR'), name='load_proposal_decided_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='loadproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'agreed'), _negated=True), models.Q(('decided_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='load_proposal_two_persons'),
        ),
        migrations.AddConstraint(
            model_name='loadproposal',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['open', 'agreed'])), fields=('deposit',), name='load_proposal_one_per_deposit'),
        ),
        migrations.RunSQL(GUARDS),
    ]
