"""PostgreSQL and Valkey from wheels, for a machine where nothing is configured: `make run`, `make test`, `manage.py`.

Imports no app and no Django. How the servers live and die is told in `servers.py`."""

import os
import secrets
from pathlib import Path

from .errors import CannotStart
from .programs import are_installed
from .servers import Servers

__all__ = ["LOCAL_FOLDER", "CannotStart", "Servers", "ensure_environment"]

CHECKOUT = Path(__file__).resolve().parent.parent.parent
# SDV_LOCAL_FOLDER gives a second system on the same machine data of its own.
LOCAL_FOLDER = Path(os.environ.get("SDV_LOCAL_FOLDER") or CHECKOUT / ".local").resolve()
# One of these set means that somebody configures the system: then nothing is started behind their back.
CONFIGURED_BY = ["SDV_DATABASE_URL", "SDV_BROKER_URL", "SDV_SECRET_KEY"]


def ensure_environment(folder=LOCAL_FOLDER, *, fast=False):
    """Starts the servers in `folder` (or joins those running there) and sets the environment the settings read.

    Does nothing where any of the variables is set already, or where the wheels are not installed: the settings then
    name what is missing. Returns the servers, or None. The servers stop when the last process using them has ended,
    however it ends. Raises CannotStart."""
    if any(os.environ.get(name) for name in CONFIGURED_BY) or not are_installed():
        return None
    servers = Servers(folder, fast=fast)
    servers.start()
    os.environ.update(environment(servers))
    return servers


def environment(servers):
    """The variables that point the settings at the embedded servers. Loopback only, hence SDV_LOCAL."""
    return {
        "SDV_DATABASE_URL": servers.application_url,
        "SDV_OWNER_DATABASE_URL": servers.owner_url,
        "SDV_BROKER_URL": servers.broker_url,
        "SDV_SECRET_KEY": secret_key(servers.folder),
        "SDV_ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
        "SDV_LOCAL": "1",
    }


def secret_key(folder):
    """A random key, made at first start and kept beside the data, readable by its owner only."""
    file = Path(folder) / "secret_key"
    if not file.exists() or not file.read_text():
        written = file.with_name(f"secret_key.{os.getpid()}")
        written.touch(mode=0o600)
        written.write_text(secrets.token_urlsafe(50))
        written.rename(file)
    return file.read_text()
