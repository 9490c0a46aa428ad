"""Every address of the product."""

from django.urls import path

from sdv.common import health

urlpatterns = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
]
