# ruff: noqa: S608 - every piece of these statements stands in this file
"""Attempts on what the ledger's triggers guard, as SQL that is filled in from a guarded world."""


def transfer(kind, debit, credit, amount, reference="%(payment)s", *, key="%(new)s"):
    return (
        "INSERT INTO payments_transfer (id, kind, debit_account_id, credit_account_id, amount, reference)"
        f" VALUES ({key}, '{kind}', {debit}, {credit}, {amount}, {reference})"
    )


def more_than_owed(account):
    return f"balance_of(%({account})s) + 1"


def message(verb, columns="", values="", payment="%(payment)s", amount=100):
    return (
        f"INSERT INTO payments_message (id, payment_id, verb, amount, next_at{columns})"
        f" VALUES (%(new)s, {payment}, '{verb}', {amount}, now(){values})"
    )


def another_sellers(verb):
    """The network's answer about goods of a seller who is not %(seller)s."""
    asking = message(verb, ", seller_id, goods", ", 99, 100")
    return f"{asking}; UPDATE payments_message SET code = '00' WHERE id = %(new)s"


def payment(columns="", values="", amount=100, code="'NEWORDER'"):
    return f"INSERT INTO payments_payment (id, order_code, amount{columns}) VALUES (%(new)s, {code}, {amount}{values})"


def instruction(columns, values):
    return (
        f"INSERT INTO network_instruction (id, account_id, last4, code, {columns})"
        f" VALUES (%(new)s, %(card)s, '0000', '00', {values})"
    )


def proposal(columns="", values="", amount=5, deposit="%(new)s"):
    return (
        f"INSERT INTO network_loadproposal (id, deposit, line, card_id, account_id, amount, proposed_by, proposed_phone"
        f"{columns}) VALUES (%(new)s, {deposit}, 'L', %(plastic)s, %(card)s, {amount}, 7, '7'{values})"
    )


def authorisation(values, columns=""):
    """account, amount, state, code."""
    return (
        f"INSERT INTO network_authorisation (id, account_id, amount, state, code, expires_at{columns})"
        f" VALUES (%(new)s, {values})"
    )


def file_line(*, verb="refund", amount=1, position=1, file="%(file)s", key="%(new)s", capture="NULL"):
    return (
        "INSERT INTO payments_settlementline (id, file_id, position, verb, amount, network_seq, at, capture)"
        f" VALUES ({key}, {file}, {position}, '{verb}', {amount}, 1, now(), {capture})"
    )


def settlement_file(cut):
    return (
        "INSERT INTO payments_settlementfile (id, cut_id, content, lines, captured, returned)"
        f" VALUES (%(new)s, {cut}, '', 0, 0, 0)"
    )


def filed_capture(amount, then):
    """A file of the next day with one line, a capture of `amount` that our books do not know; then something else."""
    file = settlement_file("id").replace(
        "VALUES (%(new)s, id, '', 0, 0, 0)", "SELECT %(new)s, id, '', 1, 0, 0 FROM cut"
    )
    cut = "INSERT INTO payments_daycut (day, seq) SELECT %(next)s, max(seq) FROM payments_transfer RETURNING id"
    return f"WITH cut AS ({cut}) {file}; {file_line(verb='capture', amount=amount, file='%(new)s')}; {then}"


def received(kind, amount, *, key="receipt_id(%(new)s)"):
    sides = ("%(bank)s", "%(network)s") if kind == "receipt" else ("%(network)s", "%(bank)s")
    return transfer(kind, *sides, amount, "%(new)s", key=key)


def audit_run(column, value):
    given = {"counted": "'{}'", "findings": "'[]'"} | {column: value}
    return f"INSERT INTO payments_auditrun ({', '.join(given)}) VALUES ({', '.join(given.values())})"


def next_day_settled(file, received=0):
    """A settled day that is not yet."""
    return (
        "WITH cut AS (INSERT INTO payments_daycut (day, seq) SELECT %(next)s, max(seq) FROM payments_transfer"
        " RETURNING id) INSERT INTO payments_settlement (cut_id, file_id, received)"
        f" SELECT id, {file}, {received} FROM cut"
    )


def explanation(state="shop_only", reason="'late'", about="%(new)s"):
    return (
        "INSERT INTO payments_explanation (cut_id, about, state, reason, by_id)"
        f" VALUES (%(cut)s, {about}, '{state}', {reason}, %(user)s)"
    )


# (guard, statement). A guard is "table.trigger".
TRIGGERS = [
    # History is append-only, tables are never emptied.
    *[
        (f"payments_{table}.append_only", f"{deed} payments_{table}{rest}")
        for table, column in [
            ("account", "owner"), ("transferkind", "role"), ("transfer", "amount"), ("daycut", "seq"),
            ("closing", "balance"), ("seal", "cut_id"), ("settlementfile", "lines"), ("settlementline", "amount"),
            ("explanation", "reason"), ("settlement", "paid_out"),
        ]
        for deed, rest in [("UPDATE", f" SET {column} = {column}"), ("DELETE FROM", "")]
    ],
    *[(f"payments_{table}.no_delete", f"DELETE FROM payments_{table}") for table in ["payment", "message", "auditrun"]],
    *[(f"network_{table}.no_delete", f"DELETE FROM network_{table}") for table in ["balance", "card", "authorisation"]],
    ("network_release.append_only", "UPDATE network_release SET amount = amount"),
    ("network_release.append_only", "DELETE FROM network_release"),
    ("network_chargeback.append_only", "UPDATE network_chargeback SET amount = amount"),
    ("network_chargeback.append_only", "DELETE FROM network_chargeback"),
    *[
        (f"{table}.no_truncate", f"TRUNCATE {table} CASCADE")
        for table in [
            "payments_account", "payments_transferkind", "payments_transfer", "payments_daycut", "payments_closing",
            "payments_seal", "payments_payment", "payments_message", "network_balance", "network_card",
            "network_authorisation", "network_release", "network_instruction", "network_claim", "network_loadproposal",
            "network_act",


            "network_authorisation", "network_release", "network_chargeback", "payments_settlementfile",
            "payments_settlementline", "payments_explanation", "payments_settlement", "payments_auditrun",
        ]
    ],
    *[
        (f"network_{table}.append_only", f"{deed} network_{table}{rest}")
        for table in ["instruction", "act"]
        for deed, rest in [("UPDATE", " SET code = code"), ("DELETE FROM", "")]
    ],
    *[(f"network_{table}.no_delete", f"DELETE FROM network_{table}") for table in ["claim", "loadproposal"]],
    ("payments_transferkind.sealed", "INSERT INTO payments_transferkind VALUES ('gift', 'bank', 'card', 'shop_app')"),
    # Money is not made: unknown shapes, crossing the books, unknown accounts.
    ("payments_transfer.transfer_check", transfer("gift", "%(bank)s", "%(card)s", 5)),
    ("payments_transfer.transfer_check", transfer("load", "%(bank)s", "%(card)s", 5)),
    ("payments_transfer.transfer_check", transfer("load", "%(card)s", "%(float)s", 5)),
    ("payments_transfer.transfer_check", transfer("capture", "%(card)s", "%(seller)s", 5, "%(auth)s")),
    ("payments_transfer.transfer_check", transfer("load", "%(float)s", "0", 5)),
    # A seller and the couriers are paid no more than is owed; nor is the shop.
    ("payments_transfer.transfer_check", transfer("payout", "%(seller)s", "%(bank)s", more_than_owed("seller"))),
    (
        "payments_transfer.transfer_check",
        transfer("fare_payout", "%(delivery)s", "%(bank)s", more_than_owed("delivery")),
    ),
    ("payments_transfer.transfer_check", transfer("settle", "%(merchant)s", "%(float)s", more_than_owed("merchant"))),
    # The shop books only what the network has confirmed.
    ("payments_transfer.shop_book", transfer("sale", "%(network)s", "%(seller)s", 1)),
    ("payments_transfer.shop_book", transfer("fare", "%(network)s", "%(delivery)s", 1)),
    ("payments_transfer.shop_book", transfer("sale", "%(network)s", "%(seller)s", 1, "%(new)s")),
    ("payments_transfer.shop_book", transfer("sale", "%(network)s", "%(seller)s", 1, "%(pending)s")),
    ("payments_transfer.shop_book", transfer("sale_back", "%(seller)s", "%(network)s", 1)),
    ("payments_transfer.shop_book", transfer("fare_back", "%(delivery)s", "%(network)s", 1)),
    # Nobody is paid from the vouchers' or the commission's account, or pays into them, beyond the network's answers;
    # and a sale is the seller's it was captured for.
    ("payments_transfer.shop_book", transfer("subsidy", "%(promotion)s", "%(seller)s", 1)),
    ("payments_transfer.shop_book", transfer("subsidy", "%(promotion)s", "%(seller)s", 1, "%(new)s")),
    ("payments_transfer.shop_book", transfer("subsidy_back", "%(seller)s", "%(promotion)s", 1)),
    ("payments_transfer.shop_book", transfer("commission", "%(seller)s", "%(commission)s", 1)),
    ("payments_transfer.shop_book", transfer("commission_back", "%(commission)s", "%(seller)s", 28)),
    (
        "payments_transfer.shop_book",
        f"{another_sellers('capture')}; {transfer('sale', '%(network)s', '%(seller)s', 1)}",
    ),
    (
        "payments_transfer.shop_book",
        f"{another_sellers('refund')}; {transfer('sale_back', '%(seller)s', '%(network)s', 1)}",
    ),
    # The shop has received what a kept file says, and no other won.
    ("payments_transfer.receipts_of_file", transfer("receipt", "%(bank)s", "%(network)s", 1)),
    ("payments_transfer.receipts_of_file", transfer("receipt_back", "%(network)s", "%(bank)s", 1)),
    ("payments_transfer.receipts_of_file", filed_capture(70, received("receipt", 71))),
    ("payments_transfer.receipts_of_file", filed_capture(70, received("receipt_back", 70))),
    ("payments_transfer.receipts_of_file", filed_capture(70, received("receipt", 70, key="%(payment)s"))),
    # A card is taken from only by its own open authorisation, and given back only what it paid.
    ("payments_transfer.card_consequences", transfer("capture", "%(card)s", "%(merchant)s", 1, "%(new)s")),
    ("payments_transfer.card_consequences", transfer("capture", "%(card)s", "%(merchant)s", 1, "%(done_auth)s")),
    ("payments_transfer.card_consequences", transfer("capture", "%(other_card)s", "%(merchant)s", 1, "%(auth)s")),
    ("payments_transfer.card_consequences", transfer("refund", "%(merchant)s", "%(other_card)s", 1, "%(auth)s")),
    ("payments_transfer.card_consequences", transfer("refund", "%(merchant)s", "%(card)s", 1, "%(new)s")),
    # Cash in, cash out and from card to card: only as decided, and only once.
    ("payments_transfer.was_decided", transfer("load", "%(float)s", "%(card)s", 1_000_001)),
    (
        "payments_transfer.was_decided",
        transfer(
            "load", "%(float)s", "%(card)s", 1_000_001,
            key="(SELECT deposit FROM network_loadproposal WHERE id = %(waiting)s)",
        ),
    ),
    ("payments_transfer.was_decided", transfer("redeem", "%(card)s", "%(float)s", 3)),
    ("payments_transfer.was_decided", transfer("redeem", "%(card)s", "%(float)s", 2, key="%(sent)s")),
    ("payments_transfer.was_decided", transfer("send", "%(card)s", "%(other_card)s", 2)),
    ("payments_transfer.was_decided", transfer("send", "%(other_card)s", "%(card)s", 2, key="%(claim)s")),
    ("payments_transfer.was_decided", transfer("send", "%(card)s", "%(other_card)s", 1, key="%(claim)s")),
    ("payments_transfer.was_decided", transfer("send_fee", "%(card)s", "%(fees)s", 10, "%(new)s")),
    ("payments_transfer.was_decided", transfer("send_fee", "%(card)s", "%(fees)s", 10, "%(sent)s")),
    # Payments.
    ("payments_payment.payment_born", payment(", captured", ", 1")),
    ("payments_payment.payment_born", payment(", released", ", 1")),
    ("payments_payment.payment_born", payment(", state", ", 'authorised'")),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET amount = amount + 1 WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET order_code = 'OTHER' WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET captured = captured + 1 WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET released = released + 1 WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET code = '51' WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'pending' WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'authorised' WHERE id = %(done)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'done' WHERE id = %(pending)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'authorised' WHERE id = %(pending)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'cancelled' WHERE id = %(payment)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'declined' WHERE id = %(pending)s"),
    ("payments_payment.payment_guard", "UPDATE payments_payment SET state = 'cancelled' WHERE id = %(fresh)s"),
    # Questions.
    ("payments_message.message_born", message("authorise", ", code, answered_at", ", '00', now()", "%(pending)s")),
    ("payments_message.message_born", message("reverse", payment="%(payment)s")),
    ("payments_message.answer_once", "UPDATE payments_message SET code = '51' WHERE id = %(capture)s"),
    ("payments_message.answer_once", "UPDATE payments_message SET code = NULL WHERE id = %(capture)s"),
    ("payments_message.answer_once", "UPDATE payments_message SET amount = 1 WHERE id = %(pending_message)s"),
    ("payments_message.answer_once", "UPDATE payments_message SET verb = 'refund' WHERE id = %(pending_message)s"),
    # Closed days.
    ("payments_daycut.cut_grows", "CALL close_day(%(closed)s)"),
    ("payments_daycut.cut_grows", "CALL close_day(%(closed)s - 1)"),
    ("payments_daycut.cut_grows", "INSERT INTO payments_daycut (day, seq) VALUES (%(next)s, 1)"),
    ("payments_daycut.cut_grows", "CALL close_day(local_day(now()) + 1)"),
    (
        "payments_daycut.cut_grows",
        "INSERT INTO payments_daycut (day, seq) SELECT local_day(now()) + 1, max(seq) FROM payments_transfer",
    ),
    # What an audit found is the database's word alone.
    *[
        ("payments_auditrun.audit_run_born", audit_run(columns, values))
        for columns, values in [
            ("done", "1"), ("is_clean", "true"), ("finished_at", "now()"), ("counted", """'{"cards": 1}'"""),
            ("findings", "'[1]'"),
        ]
    ],
    *[
        ("payments_auditrun.audit_run_step", f"UPDATE payments_auditrun SET {change} WHERE id = %(run)s")
        for change in [
            "is_clean = true, finished_at = now()", "done = 100", "done = done", "done = done + 1, is_clean = true",
            "done = done + 1, findings = '[]', subject = 'orders'",
        ]
    ],
    (
        "payments_auditrun.audit_run_step",
        "UPDATE payments_auditrun SET done = done + 1, findings = '[]' WHERE id = %(audited)s",
    ),
    # Settlement files: whole as they came, chargebacks as they say, days finished by their own.
    (
        "payments_settlementline.lines_of_file",
        file_line(position="(SELECT lines + 1 FROM payments_settlementfile WHERE id = %(file)s)"),
    ),
    ("payments_settlementline.lines_of_file", file_line(position=0)),
    ("payments_settlementline.lines_of_file", file_line(file="%(new)s")),
    (
        "payments_message.chargeback_of_line",
        message("refund", ", seller_id, goods, code, answered_at, file_id", ", 5, 100, '00', now(), %(file)s"),
    ),
    (
        "payments_message.chargeback_of_line",
        message("refund", ", seller_id, goods, code, answered_at, file_id", ", 5, 100, '00', now(), %(new)s"),
    ),
    ("payments_settlement.settled_by_file", next_day_settled("NULL")),
    ("payments_settlement.settled_by_file", next_day_settled("%(file)s")),
    # The network's side.
    ("network_balance.only_inside", "UPDATE network_balance SET posted = posted + 1"),
    ("network_balance.only_inside", "UPDATE network_balance SET held = 0"),
    ("network_balance.only_inside", "INSERT INTO network_balance (account_id) VALUES (%(bank)s)"),
    (
        "network_authorisation.authorisation_born",
        authorisation("%(card)s, 100, 'open', '00', now(), 50", ", captured"),
    ),
    ("network_authorisation.authorisation_born", authorisation("%(card)s, 100, 'reversed', '00', now()")),
    ("network_authorisation.authorisation_holds", authorisation("%(seller)s, 100, 'open', '00', now()")),
    ("network_authorisation.authorisation_won_only", authorisation("%(euros)s, 100, 'open', '00', now()")),
    ("network_authorisation.authorisation_won_only", authorisation("%(guest)s, 100, 'open', '00', now()")),
    (
        "network_card.card_same_holder",
        "INSERT INTO network_card (token, account_id, number_mac, holder_mac, pin_mac, last4, expires_on)"
        " SELECT gen_random_uuid(), account_id, '\\x01', '\\x02', pin_mac, last4, expires_on"
        "   FROM network_card WHERE id = %(lost)s",
    ),
    *[
        ("network_authorisation.authorisation_guard", f"UPDATE network_authorisation SET {change} WHERE id = %(auth)s")
        for change in [
            "amount = amount + 1", "account_id = %(other_card)s", "code = '51'", "expires_at = now()",
            "captured = 0", "released = 0", "refunded = 1", "state = 'reversed'", "state = 'expired'",
            "merchant_reference = 'OTHER'",
        ]
    ],
    (
        "network_authorisation.authorisation_guard",
        "UPDATE network_authorisation SET state = 'open' WHERE id = %(done_auth)s",
    ),
    (
        "network_release.release_applies",
        "INSERT INTO network_release (id, authorisation_id, amount) VALUES (%(new)s, %(done_auth)s, 1)",
    ),
    ("network_card.card_guard", "UPDATE network_card SET number_mac = '\\x00' WHERE id = %(plastic)s"),
    ("network_card.card_guard", "UPDATE network_card SET account_id = %(other_card)s WHERE id = %(plastic)s"),
    ("network_card.card_guard", "UPDATE network_card SET resident = NOT resident WHERE id = %(plastic)s"),
    ("network_card.card_guard", "UPDATE network_card SET status = 'active' WHERE id = %(lost)s"),
    # Claims and loads are decided once.
    (
        "network_claim.claim_born",
        "INSERT INTO network_claim (id, instruction_id, reason, state, expires_at, decided_at)"
        " VALUES (%(new)s, %(sent)s, 'r', 'refused', now(), now())",
    ),
    (
        "network_claim.claim_born",
        "INSERT INTO network_claim (id, instruction_id, reason, expires_at)"
        " SELECT %(new)s, id, 'r', now() FROM network_instruction WHERE kind = 'redeem' LIMIT 1",
    ),
    *[
        ("network_claim.claim_guard", f"UPDATE network_claim SET {change} WHERE id = %(claim)s")
        for change in [
            "reason = 'another'", "instruction_id = %(sent)s", "expires_at = now()",
            "state = 'agreed', decided_at = now()", "state = 'expired', decided_at = now()",
        ]
    ],
    ("network_claim.claim_guard", "UPDATE network_claim SET reason = reason WHERE id = %(settled)s"),
    ("network_loadproposal.proposal_born", proposal(", state, decided_by, decided_at", ", 'agreed', 8, now()")),
    *[
        ("network_loadproposal.proposal_guard", f"UPDATE network_loadproposal SET {change} WHERE id = %(waiting)s")
        for change in ["amount = 1", "line = 'X'", "deposit = %(new)s", "account_id = 1", "proposed_by = 8"]
    ],
    ("network_loadproposal.proposal_guard", "UPDATE network_loadproposal SET state = state WHERE id = %(agreed_load)s"),
]  # fmt: skip

# A moment given with a row: the database puts its own in its place. (table, statement)
CLOCKS = [
    ("payments_payment", payment(", created_at", ", '2001-01-01'")),
    ("payments_message", message("release", ", created_at", ", '2001-01-01'")),
    (
        "network_authorisation",
        authorisation("%(card)s, 100, 'declined', '51', now(), '2001-01-01'", ", created_at"),
    ),
    (
        "network_release",
        "INSERT INTO network_release (id, authorisation_id, amount, created_at)"
        " VALUES (%(new)s, %(auth)s, 1, '2001-01-01')",
    ),
    ("network_instruction", instruction("kind, amount, created_at", "'redeem', 5, '2001-01-01'")),
    (
        "network_claim",
        "INSERT INTO network_claim (id, instruction_id, reason, expires_at, created_at)"
        " VALUES (%(new)s, %(sent)s, 'r', now(), '2001-01-01')",
    ),
    ("network_loadproposal", proposal(", created_at", ", '2001-01-01'")),
    (
        "network_act",
        "INSERT INTO network_act (id, card_id, kind, created_at) VALUES (%(new)s, %(plastic)s, 'pin', '2001-01-01')",
    ),
    (
        "network_chargeback",
        "INSERT INTO network_chargeback (id, capture, amount, reason, created_at)"
        " VALUES (%(new)s, %(capture)s, 1, 'x', '2001-01-01')",
    ),
    (
        "payments_settlementfile",
        "WITH cut AS (INSERT INTO payments_daycut (day, seq) SELECT %(next)s, max(seq) FROM payments_transfer"
        " RETURNING id) INSERT INTO payments_settlementfile (id, cut_id, content, lines, captured, returned,"
        " created_at) SELECT %(new)s, id, '', 0, 0, 0, '2001-01-01' FROM cut",
    ),
    (
        "payments_explanation",
        "INSERT INTO payments_explanation (cut_id, about, state, reason, by_id, created_at)"
        " VALUES (%(cut)s, %(new)s, 'shop_only', 'x', %(user)s, '2001-01-01')",
    ),
]

# Triggers that refuse nothing by themselves: what they do is proved elsewhere.
CONSEQUENCES = {
    "payments_account.open_balance": "tests of the flow: a card account has a balance",
    "payments_message.release_answered": "test_a_release_answered_for_a_payment_not_authorised",
    "payments_payment.own_clock": "test_clocks_are_the_databases",
    "payments_message.own_clock": "test_clocks_are_the_databases",
    "network_authorisation.own_clock": "test_clocks_are_the_databases",
    "network_release.own_clock": "test_clocks_are_the_databases",
    "network_instruction.own_clock": "test_clocks_are_the_databases",
    "network_claim.own_clock": "test_clocks_are_the_databases",
    "network_loadproposal.own_clock": "test_clocks_are_the_databases",
    "network_act.own_clock": "test_clocks_are_the_databases",
    "network_chargeback.own_clock": "test_clocks_are_the_databases",
    "payments_settlementfile.own_clock": "test_clocks_are_the_databases",
    "payments_explanation.own_clock": "test_clocks_are_the_databases",
    "payments_settlement.own_clock": "test_a_settled_days_clock_is_the_databases",
}
