"""What the clock starts: each job finds what is due at `at`, may run late, twice and in parallel, and answers with one
line per kind of thing done. With `dry_run` it answers the same and writes nothing."""

from django.db import connections, transaction

from sdv.common import partitions as monthly


def partitions(*, at, dry_run=False):
    """The logs have partitions for this month and the next ones. Only the tables' owner may make them."""
    connection = connections["owner" if "owner" in connections.settings else "default"]
    if dry_run:
        made = [name for table in monthly.PARTITIONED_TABLES for name in monthly.missing(connection, table, at=at)]
    else:
        made = []
        with transaction.atomic(using=connection.alias):
            with connection.cursor() as cursor:
                # Two runs at once take turns; the second finds nothing to do.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('partitions'))")
            for table in monthly.PARTITIONED_TABLES:
                made += monthly.ensure(connection, table, at=at)
    return [f"partitions made: {len(made)}" + (f" ({', '.join(made)})" if made else "")]


# The name a person or beat uses, and what it runs: callable(at=…, dry_run=False) -> list of lines.
JOBS = {
    "partitions": partitions,
}
