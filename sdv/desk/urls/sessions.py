from django.urls import path

from sdv.accounts.doors import open_to_all
from sdv.desk.views import gallery, palette, sessions, start

urlpatterns = [
    path("", start.start, name="start"),
    path("logga-in/", sessions.login, name="login"),
    path("logga-ut/", sessions.logout, name="logout"),
    path("uppdrag/", sessions.choose_assignment, name="choose-assignment"),
    path("installningar/", sessions.preferences, name="preferences"),
    path("installningar/personnummer/", sessions.hide_identities, name="hide-identities"),
    path("sok/", palette.palette, name="palette"),
    # Answers 404 outside the practice environment, except to support.
    path("komponenter/", open_to_all(gallery.gallery), name="gallery"),
]
