from django.urls import path

from sdv.desk.views import check_out, day, unbooked

urlpatterns = [
    path("dagen/", day.day, name="day"),
    path("dagen/rader/", day.day_rows, name="day-rows"),
    path("dagen/rad/<uuid:pk>/", day.day_row, name="day-row"),
    path("bokningar/<uuid:pk>/ankomst/", day.arrive, name="appointment-arrive"),
    path("bokningar/<uuid:pk>/utebliven/", day.no_show, name="appointment-no-show"),
    path("bokningar/<uuid:pk>/angra/", day.undo, name="appointment-undo"),
    path("bokningar/<uuid:pk>/avboka/", day.cancel, name="appointment-cancel"),
    path("oplanerat/", unbooked.drop_in, name="drop-in"),
    path("oplanerat/vagledning/", unbooked.contact_guide, name="contact-guide"),
    path("vardhandelser/<uuid:pk>/utcheckning/", check_out.check_out, name="check-out"),
    path("vardhandelser/<uuid:pk>/utcheckning/angra/", check_out.undo, name="check-out-undo"),
]
