"""Two roles: the owner changes tables, the application reads and writes rows and can neither change nor empty one."""

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction

OURS = {"common", "organisation", "accounts", "outbox", "registration", "scheduling", "classification", "flows"}


def tables():
    return sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed})


def test_the_application_may_read_and_write_the_rows_of_every_table(as_application):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name"
            " WHERE NOT has_table_privilege(name, 'SELECT') OR NOT has_table_privilege(name, 'INSERT')"
            " OR NOT has_table_privilege(name, 'UPDATE') OR NOT has_table_privilege(name, 'DELETE')",
            [tables()],
        )
        assert cursor.fetchall() == []


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
    with pytest.raises(ProgrammingError, match="permission denied|must be owner"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_every_table_of_ours_is_among_those_looked_at():
    assert {app.label for app in apps.get_app_configs()} >= OURS
    assert {"common_changelogentry", "accounts_user"} <= set(tables())
