"""Test databases are copies of one migrated template with the catalogues, made anew when a migration or one of their
files changes.

Running every migration for every worker of every run costs many seconds; copying costs a fraction of one. Where only
migrations have been added, the new template begins as a copy of the nearest old one and runs those."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
from django.apps import apps
from django.conf import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sdv.embedded.locks import FileLock

CHECKOUT = Path(__file__).resolve().parent.parent


def template_database():
    """The name of the template for the migrations as they stand; made where it is missing."""
    files = digests()
    name = f"sdv_template_{hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]}"
    folder = Path(settings.STATIC_ROOT).parent
    with FileLock(folder / "template.lock"), maintenance() as connection:
        if not exists(connection, name):
            half = sql.Identifier(f"{name}_half")
            drop(connection, f"{name}_half")
            base = sql.Identifier(nearest(connection, files) or "template1")
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(half, base))
            manage(f"{name}_half", "migrate", "--no-input", "--verbosity=0", "--skip-checks")
            # Codes are loaded by the tests that need them: classification's own have releases of their own.
            manage(f"{name}_half", "load_catalogues", "--utan-koder", "--skip-checks")
            connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(half, sql.Literal(json.dumps(files))))
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(half, sql.Identifier(name)))
        drop_leftovers(connection, name)
    return name


def nearest(connection, files):
    """The template with most migrations among those made of nothing but what stands in `files`, or None. What is no
    migration is the same, or it does not count: catalogues are loaded, never taken away."""
    rows = connection.execute(
        "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE datname ~ '^sdv_template_[0-9a-f]+$' ORDER BY oid"
    )
    made_of = {name: json.loads(told) for name, told in rows if told}
    usable = [
        name
        for name, theirs in made_of.items()
        if theirs.items() <= files.items()
        and all("/migrations/" in each and each.endswith(".py") for each in files.keys() - theirs.keys())
    ]
    return max(usable, key=lambda name: len(made_of[name]), default=None)


def restore(connection, template):
    """The connection's database as the template has it. Whoever is still connected is thrown out."""
    name = connection.settings_dict["NAME"]
    connection.close()
    with maintenance() as maintaining:
        drop(maintaining, name)
        maintaining.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )


def digests():
    """A digest of each file that decides what the migrations and the catalogues make."""
    files = [
        CHECKOUT / "requirements.lock",
        CHECKOUT / "sdv" / "common" / "sql" / "roles.sql",
        *(CHECKOUT / "sdv" / "common").glob("*.py"),
    ]
    for app in apps.get_app_configs():
        if Path(app.path).is_relative_to(CHECKOUT) and ".venv" not in app.path:
            files += Path(app.path).glob("migrations/**/*.*")
            files += Path(app.path).glob("data/*.csv")
            files += Path(app.path).glob("catalogues.py")
    kept = {".py", ".sql", ".csv", ".json", ".lock"}
    return {
        str(file.relative_to(CHECKOUT)): hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        for file in sorted(set(files))
        if file.suffix in kept
    }


def manage(database, *command):
    url = make_conninfo(os.environ["SDV_DATABASE_URL"], dbname=database)
    ran = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=CHECKOUT,
        env=os.environ
        | {"SDV_DATABASE_URL": url, "SDV_OWNER_DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "sdv.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{ran.stdout}\n{ran.stderr}")


def maintenance():
    """A connection that may create and drop databases."""
    return psycopg.connect(os.environ["SDV_DATABASE_URL"], dbname="postgres", autocommit=True)


def exists(connection, name):
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def drop(connection, name):
    """Our own connections are ended first. Not WITH (FORCE): that is refused while autovacuum, which is another's
    process, is in the database; the plain command asks autovacuum to leave and waits for it."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = current_user",
        [name],
    )
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def drop_leftovers(connection, template):
    """Databases of runs that were killed. Other templates stay a while: another branch may be tested at the same
    time; five are kept."""
    rows = connection.execute(
        "SELECT datname FROM pg_database WHERE datname ~ '^sdv_run_[0-9]+' ORDER BY oid"
    ).fetchall()
    for (name,) in rows:
        process = name.removeprefix("sdv_run_").split("_")[0]
        if not Path(f"/proc/{process}").exists():
            drop(connection, name)
    templates = connection.execute(
        "SELECT datname FROM pg_database WHERE datname ~ '^sdv_template_' AND datname <> %s ORDER BY oid DESC",
        [template],
    ).fetchall()
    for (name,) in templates[5:]:
        drop(connection, name)
