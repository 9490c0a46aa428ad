"""Logs partitioned by month: RANGE on the UUIDv7 key, made ahead by migrations and the job `partitions`."""

from datetime import UTC, datetime
from itertools import pairwise

from django.db.migrations.operations import CreateModel

from .uuid7 import lowest_at

PARTITIONED_TABLES = ["common_changelogentry", "accounts_accesslogentry"]
MONTHS_AHEAD = 3


class CreatePartitionedModel(CreateModel):
    """CreateModel for a table partitioned by its UUIDv7 key."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        schema_editor.sql_create_table = type(schema_editor).sql_create_table + " PARTITION BY RANGE (id)"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            del schema_editor.sql_create_table


def months(start, count):
    """The first instant of `count` months from the month of `start`, and the instant after the last. UTC."""
    year, month = start.year, start.month
    for _ in range(count + 1):
        yield datetime(year, month, 1, tzinfo=UTC)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def missing(connection, table, *, at, months_ahead=MONTHS_AHEAD):
    """The names of the partitions `ensure` would make."""
    names = [f"{table}_{start:%Y_%m}" for start in list(months(at, months_ahead + 1))[:-1]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL", [names])
        return sorted(name for (name,) in cursor.fetchall())


def ensure(connection, table, *, at, months_ahead=MONTHS_AHEAD):
    """Makes the partitions of `table` for the month of `at` and the months ahead, and the default partition that
    catches rows should this ever run too late. Rows so caught are moved. Returns the names of new partitions."""
    made = []
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table}_default PARTITION OF {table} DEFAULT")
        bounds = list(months(at, months_ahead + 1))
        for start, end in pairwise(bounds):
            name = f"{table}_{start:%Y_%m}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0]:
                continue
            low, high = lowest_at(start), lowest_at(end)
            cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table}_default WHERE id >= %s AND id < %s)", [low, high])
            if cursor.fetchone()[0]:
                cursor.execute(f"ALTER TABLE {table}_default DISABLE TRIGGER USER")
                cursor.execute(
                    f"WITH moved AS (DELETE FROM {table}_default WHERE id >= %s AND id < %s RETURNING *)"
                    f" INSERT INTO {name} SELECT * FROM moved",
                    [low, high],
                )
                cursor.execute(f"ALTER TABLE {table}_default ENABLE TRIGGER USER")
            cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')")
            made.append(name)
    return made
