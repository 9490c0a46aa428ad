"""The pages' addresses, by area. Addresses are Swedish, names English; ids are opaque (no identity numbers in URLs)."""

from . import coding, day, patients, reports, sessions, work

urlpatterns = [
    *sessions.urlpatterns,
    *day.urlpatterns,
    *patients.urlpatterns,
    *work.urlpatterns,
    *coding.urlpatterns,
    *reports.urlpatterns,
]
