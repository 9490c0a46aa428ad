"""Settings of the tests: the real servers in a folder of their own, and what only a test may do.

Everything is set before the settings proper are read. Under pytest-xdist the first process starts the servers, and
the workers inherit its environment."""

import os

from sdv import embedded

os.environ["SDV_DATABASE_POOL"] = "0"
# Several runs may share the servers: each has databases of its own, named after the process that started it.
os.environ.setdefault("SDV_TEST_RUN", str(os.getpid()))
# Playwright's synchronous interface runs an event loop in the test's own thread; Django then thinks it is async.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

TEST_FOLDER = embedded.CHECKOUT / ".local" / "test"
if SERVERS := embedded.ensure_environment(TEST_FOLDER, fast=True):
    os.environ["SDV_DATABASE_URL"] = SERVERS.owner_url

from sdv.settings import *  # noqa: E402, F403
from sdv.settings import DATABASES  # noqa: E402

TEST_RUN = os.environ["SDV_TEST_RUN"]
# The tests are the tables' owner; the fixture `as_application` shows what the application may not.
DATABASES.pop("owner", None)
DATABASES["default"]["TEST"] = {"NAME": f"sdv_run_{TEST_RUN}"}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT = str(TEST_FOLDER / "static")
os.makedirs(STATIC_ROOT, exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
CELERY_TASK_DEFAULT_QUEUE = f"sdv-{TEST_RUN}"
SDV_DOWNTIME_FOLDER = str(TEST_FOLDER / "downtime" / TEST_RUN)
SDV_OUTBOX_FOLDER = str(TEST_FOLDER / "outbox" / TEST_RUN)
