"""The web process's entry point."""

import os

from django.core.wsgi import get_wsgi_application

from sdv import celery  # noqa: F401  a task sent from a view goes to our Celery app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sdv.settings")
application = get_wsgi_application()
