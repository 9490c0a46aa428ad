"""How far an import of codes has come, for the page that waits for it (KL-05).

An import is one transaction: what it writes is seen by nobody before its end. What it says of itself as a database
session is seen at once, and is gone when the transaction ends or its worker dies, so nothing has to be tidied up."""

from django.db import connection

WAITS, READS = "väntar på en annan inläsning", "läser och jämför filerna"
# The name of a session holds plain signs and few of them: a step is told by its place.
STEPS = (WAITS, READS, "koder", "sökord", "räknar om sökningens underlag")
_NAME = "kodlista"


def tell(import_id, step, done, total):
    """The step, and how much of it is done where that is counted. For the transaction alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('application_name', %s, true)",
            [f"{_NAME} {import_id.hex} {STEPS.index(step)} {done} {total}"],
        )


def of(import_id):
    """(step, done, total) of an import that is being carried out, or None where nobody is at it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE %s",
            [f"{_NAME} {import_id.hex} %"],
        )
        found = cursor.fetchone()
    if found is None:
        return None
    _, _, step, done, total = found[0].split(" ")
    return STEPS[int(step)], int(done), int(total)
