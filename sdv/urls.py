"""Every address of the product."""

from django.urls import include, path

from sdv.common import health
from sdv.desk.urls import urlpatterns as pages

urlpatterns = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("api/", include("sdv.desk.urls.api")),
    *pages,
]
