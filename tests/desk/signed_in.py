"""What tests of pages share: a client that has logged in and chosen an assignment, and the count of queries."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sdv.accounts.middleware import ASSIGNMENT_KEY


def signed_in(user, assignment=None):
    """The client of the user; `assignment` where it has several."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[ASSIGNMENT_KEY] = str((assignment or user.assignments.order_by("id").first()).pk)
    session.save()
    return client


def queries_of(act):
    """How many queries the act makes."""
    with CaptureQueriesContext(connection) as made:
        act()
    return len(made)
