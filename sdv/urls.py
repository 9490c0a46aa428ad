"""Every address of the product."""

from django.urls import include, path

import classification.admin  # noqa: F401  the apps' administration registers itself, here and below
import registration.admin  # noqa: F401
import scheduling.admin  # noqa: F401
import sdv.outbox.admin  # noqa: F401
from sdv.accounts.admin import site as administration
from sdv.adapters.rivta import producer
from sdv.common import health
from sdv.desk.urls import urlpatterns as pages

urlpatterns = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("admin/", administration.urls),
    path("rivta/get-care-contacts/3/", producer.get_care_contacts, name="get-care-contacts"),
    path("api/", include("sdv.desk.urls.api")),
    *pages,
]

handler400 = "sdv.desk.views.errors.bad_request"
handler403 = "sdv.desk.views.errors.forbidden"
handler404 = "sdv.desk.views.errors.not_found"
handler500 = "sdv.desk.views.errors.server_error"
