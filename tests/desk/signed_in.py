"""A test client that acts as a user with its first assignment, as after login and choice of assignment."""

from django.test import Client

from sdv.accounts.middleware import ASSIGNMENT_KEY


def signed_in(user, assignment=None):
    """The client of the user; `assignment` where it has several."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[ASSIGNMENT_KEY] = str((assignment or user.assignments.order_by("id").first()).pk)
    session.save()
    return client
