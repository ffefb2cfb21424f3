"""The roles the running shop works as in PostgreSQL, and what each may do: owner of nothing, as little as will do.

| role | is |
|---|---|
| the owner | runs `prepare` and migrations, and nothing else |
| `okryu_app` | the login of web and worker; it has no right of its own and may only become one of the three below |
| `shop_app` | the shop: all of it but the network's tables, and of the ledger the shop book |
| `network_app` | the simulated card network: authorisations, and the card book |
| `bank_desk` | the bank's card desk: cards, loads, payouts |

`shop_app` reads the network's tables, because the card's and the desk's pages are served by the same process; the
digests there are worth nothing without the keys, which live outside the database. It writes none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connection

SHOP, NETWORK, DESK = ROLES = ("shop_app", "network_app", "bank_desk")
LOGIN = "okryu_app"
READ = frozenset({"SELECT"})
ADD = READ | {"INSERT"}
KEEP = ADD | {"UPDATE"}
ALL = KEEP | {"DELETE"}
# PostgreSQL asks for a right to update before it locks a row; which column is all the same, the guards refuse each.
LOCK = READ | {"UPDATE (account_id)"}

# Table → role → rights. Of tables not named: payments_… the shop keeps, network_… both network roles keep and the shop
# reads, every other the shop has wholly.
RIGHTS: dict[str, dict[str, frozenset[str]]] = {
    "payments_account": {SHOP: ADD, NETWORK: READ, DESK: ADD},
    "payments_transferkind": {SHOP: READ, NETWORK: READ, DESK: READ},
    "payments_transfer": {SHOP: ADD, NETWORK: ADD, DESK: ADD},  # its trigger knows which kinds are whose
    "payments_payment": {SHOP: ADD | {"UPDATE (state)", "UPDATE (code)", "UPDATE (last4)", "UPDATE (expires_at)"}},
    "payments_message": {
        SHOP: ADD | {"UPDATE (tries)", "UPDATE (next_at)", "UPDATE (tried_at)", "UPDATE (code)", "UPDATE (ref)"}
    },
    "payments_daycut": {SHOP: READ, NETWORK: READ, DESK: READ},
    "payments_closing": {SHOP: READ, NETWORK: READ, DESK: READ},
    "payments_seal": {SHOP: READ},
    "payments_settlementfile": {SHOP: ADD},
    "payments_settlementline": {SHOP: ADD},
    "payments_explanation": {SHOP: ADD},
    "payments_settlement": {SHOP: ADD},
    "payments_auditrun": {SHOP: ADD | {"UPDATE (done)"}},  # the rest of it is what the database itself finds
    "network_balance": {SHOP: READ, NETWORK: LOCK, DESK: LOCK},
    "network_card": {SHOP: READ, NETWORK: READ | {"UPDATE (pin_tries)"}, DESK: KEEP},
    "network_authorisation": {SHOP: READ, NETWORK: ADD | {"UPDATE (state)"}, DESK: READ | {"UPDATE (state)"}},
    "network_release": {SHOP: READ, NETWORK: ADD, DESK: READ},
    "network_chargeback": {SHOP: READ, NETWORK: ADD, DESK: READ},
    "network_instruction": {SHOP: READ, NETWORK: ADD, DESK: ADD},
    "network_act": {SHOP: READ, NETWORK: ADD, DESK: ADD},
    "network_claim": {SHOP: READ, NETWORK: KEEP, DESK: READ},
    "network_loadproposal": {SHOP: READ, NETWORK: READ, DESK: KEEP},
    "orders_orderevent": {SHOP: ADD},
    "catalog_stockmovement": {SHOP: ADD},
    "django_migrations": {SHOP: READ},
    "django_content_type": {SHOP: READ},
    "auth_permission": {SHOP: READ},
}
# Closing a day is the shop's; each runs with its owner's rights, so nobody else may call it.
PROCEDURES = ("close_day", "write_closing", "write_seal")


@dataclass(slots=True)
class Plan:
    """What has to be done so that the database stands as this module says: statements, in order."""

    statements: list[str] = field(default_factory=list)

    def add(self, statement: str) -> None:
        self.statements.append(statement)


def plan() -> Plan:
    """The statements still missing; none when all is as it should be. Reads the catalogue only."""
    todo = Plan()
    _plan_roles(todo)
    _plan_database(todo)
    _plan_tables(todo)
    _plan_sequences(todo)
    _plan_routines(todo)
    return todo


def carry_out(todo: Plan) -> None:
    with connection.cursor() as cursor:
        for statement in todo.statements:
            cursor.execute(statement)


# ---------------------------------------------------------------- who there is


def _plan_roles(todo: Plan) -> None:
    known = {
        name: (can_login, inherits, powers)
        for name, can_login, inherits, powers in _rows(
            "SELECT rolname, rolcanlogin, rolinherit,"
            " rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
            " FROM pg_roles WHERE rolname = ANY(%s)",
            [[*ROLES, LOGIN]],
        )
    }
    for name in (*ROLES, LOGIN):
        login = "LOGIN NOINHERIT" if name == LOGIN else "NOLOGIN NOINHERIT"
        if name not in known:
            todo.add(f"CREATE ROLE {name} {login}")
        elif known[name] != (name == LOGIN, False, False):
            todo.add(f"ALTER ROLE {name} {login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")
    members = {
        group
        for (group,) in _rows(
            "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
            " JOIN pg_roles l ON l.oid = m.member WHERE l.rolname = %s",
            [LOGIN],
        )
    }
    for name in ROLES:
        if name not in members:
            todo.add(f"GRANT {name} TO {LOGIN}")
    for name in sorted(members - set(ROLES)):
        todo.add(f"REVOKE {_quoted(name)} FROM {LOGIN}")


def _plan_database(todo: Plan) -> None:
    """Nobody but the owner makes objects, not even temporary ones: they would stand before ours by the same name."""
    [(name, everybody_makes_temporary)] = _rows(
        "SELECT datname, EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) a"
        " WHERE a.grantee = 0 AND a.privilege_type = 'TEMPORARY') FROM pg_database WHERE datname = current_database()"
    )
    if everybody_makes_temporary:
        todo.add(f"REVOKE TEMPORARY ON DATABASE {_quoted(name)} FROM PUBLIC")
    schema = set(
        _rows(
            "SELECT coalesce(r.rolname, 'PUBLIC'), a.privilege_type FROM pg_namespace n"
            " CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a"
            " LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE n.nspname = 'public'"
        )
    )
    if ("PUBLIC", "CREATE") in schema:
        todo.add("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    for role in ROLES:
        if (role, "USAGE") not in schema:
            todo.add(f"GRANT USAGE ON SCHEMA public TO {role}")
        if (role, "CREATE") in schema:
            todo.add(f"REVOKE CREATE ON SCHEMA public FROM {role}")


# ---------------------------------------------------------------- tables


def rights_on(table: str, *, is_view: bool) -> dict[str, frozenset[str]]:
    """What each role may do with `table`; roles not named may do nothing."""
    if table in RIGHTS:
        return RIGHTS[table]
    if is_view:
        return {SHOP: READ}
    if table.startswith("network_"):
        return {SHOP: READ, NETWORK: KEEP, DESK: KEEP}
    if table.startswith("payments_"):
        return {SHOP: KEEP}
    return {SHOP: ALL}


def _plan_tables(todo: Plan) -> None:
    has = _rights_now()
    for table, kind in _rows(
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p', 'v', 'm') ORDER BY relname"
    ):
        wanted = rights_on(table, is_view=kind in "vm")
        for role in (*ROLES, LOGIN, "PUBLIC"):
            now, right = has.get((table, role), set()), wanted.get(role, frozenset())
            if extra := now - right:
                todo.add(f"REVOKE {', '.join(sorted(extra))} ON {_quoted(table)} FROM {role}")
            if missing := right - now:
                todo.add(f"GRANT {', '.join(sorted(missing))} ON {_quoted(table)} TO {role}")


def _rights_now() -> dict[tuple[str, str], set[str]]:
    """Table and role → rights, as this module writes them."""
    found: dict[tuple[str, str], set[str]] = {}
    for table, role, right in _rows(
        "SELECT c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type FROM pg_class c"
        " CROSS JOIN aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
        " UNION ALL "
        "SELECT c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type || ' (' || quote_ident(t.attname) || ')'"
        "  FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid CROSS JOIN aclexplode(t.attacl) a"
        "  LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE c.relnamespace = 'public'::regnamespace"
    ):
        found.setdefault((table, role), set()).add(right)
    return found


def _plan_sequences(todo: Plan) -> None:
    """Those that a default asks (the job queue's). Identity columns need no right on theirs."""
    for (name,) in _rows(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')"
        " AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee"
        "                  WHERE r.rolname = %s AND a.privilege_type = 'USAGE') ORDER BY 1",
        [SHOP],
    ):
        todo.add(f"GRANT USAGE ON SEQUENCE {_quoted(name)} TO {SHOP}")


# ---------------------------------------------------------------- procedures


def _plan_routines(todo: Plan) -> None:
    for signature, grantees in _rows(
        "SELECT p.oid::regprocedure::text, array(SELECT coalesce(r.rolname, 'PUBLIC')"
        "  FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        "  LEFT JOIN pg_roles r ON r.oid = a.grantee)"
        " FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname = ANY(%s) ORDER BY 1",
        [list(PROCEDURES)],
    ):
        if "PUBLIC" in grantees:
            todo.add(f"REVOKE EXECUTE ON ROUTINE {signature} FROM PUBLIC")
        if SHOP not in grantees:
            todo.add(f"GRANT EXECUTE ON ROUTINE {signature} TO {SHOP}")
    # What runs with its owner's rights looks names up in our schema first, whatever the caller's search path.
    for (signature,) in _rows(
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
        " AND NOT coalesce(p.proconfig @> ARRAY['search_path=public, pg_temp'], false) ORDER BY 1"
    ):
        todo.add(f"ALTER ROUTINE {signature} SET search_path = public, pg_temp")


# ---------------------------------------------------------------- asking


def _rows(query: str, values: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def _quoted(name: object) -> str:
    return str(connection.ops.quote_name(str(name)))


def refusals() -> list[str]:
    """Why this connection may not serve a shop in production: it could undo what guards the ledger."""
    [(name, is_super, owns)] = _rows(
        "SELECT session_user, r.rolsuper, coalesce(pg_has_role(session_user, t.relowner, 'MEMBER'), false)"
        " FROM pg_roles r LEFT JOIN pg_class t ON t.oid = to_regclass('payments_transfer')"
        " WHERE r.rolname = session_user"
    )
    what = "is a superuser" if is_super else "owns the ledger's tables" if owns else ""
    if not what:
        return []
    return [
        f"the database role {name} {what} and could put the ledger's guards aside:"
        f" run `manage.py ensure_database_roles` as the owner, then serve as {LOGIN} with DATABASE_ROLES=1."
    ]
