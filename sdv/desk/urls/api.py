"""Addresses under /api/: version 1, the schema and its page. What is not an address is answered as a problem too."""

from django.urls import include, path, re_path

from classification.api.urls import urlpatterns as classification
from registration.api.urls import urlpatterns as registration
from scheduling.api.urls import urlpatterns as scheduling
from sdv.desk.api import documentation
from sdv.desk.api.urls import urlpatterns as desk

urlpatterns = [
    path("v1/", include([*registration, *scheduling, *classification, *desk])),
    path("schema/", documentation.schema, name="api-schema"),
    path("docs/", documentation.docs, name="api-docs"),
    path("docs/<slug:area>/", documentation.docs_area, name="api-docs-area"),
    re_path(r"^", documentation.no_such_address),
]
