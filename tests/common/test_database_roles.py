"""Two roles: the owner changes tables, the application reads and writes rows and can neither change nor empty one."""

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction


def tables():
    """Every table there is, partitions among them."""
    with connection.cursor() as cursor:
        return connection.introspection.table_names(cursor)


def test_the_application_may_read_and_write_the_rows_of_every_table(as_application):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name"
            " WHERE NOT has_table_privilege(name, 'SELECT') OR NOT has_table_privilege(name, 'INSERT')"
            " OR NOT has_table_privilege(name, 'UPDATE') OR NOT has_table_privilege(name, 'DELETE')",
            [tables()],
        )
        assert cursor.fetchall() == []


def test_the_application_counts_the_codes_anew_after_an_import(as_application):
    """KL-05: searches right after it are planned by what the tables hold."""
    with connection.cursor() as cursor:
        for table in ("code", "codesynonym", "coderelation", "codeword"):
            cursor.execute("SELECT has_table_privilege(%s, 'MAINTAIN')", [f"classification_{table}"])
            assert cursor.fetchone() == (True,)
        cursor.execute("SELECT has_table_privilege('registration_patient', 'MAINTAIN')")
        assert cursor.fetchone() == (False,)


def test_the_application_can_empty_no_table_and_own_none(as_application):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE has_table_privilege(name, 'TRUNCATE')", [tables()]
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT tablename FROM pg_tables WHERE tableowner = current_user")
        assert cursor.fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE common_changelogentry",
        "DROP TABLE common_changelogentry",
        "ALTER TABLE common_changelogentry DISABLE TRIGGER ALL",
        "ALTER TABLE common_changelogentry ADD COLUMN extra int",
        "CREATE TABLE extra (number int)",
    ],
)
def test_the_application_is_refused_what_would_undo_the_logs(as_application, statement):
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_tables_looked_at_are_those_of_the_models(db):
    ours = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.app_label.startswith("pg") and not model._meta.proxy
    }
    assert {"common_changelogentry", "accounts_user"} <= ours <= set(tables())
