from django.urls import path

from sdv.desk.views import check_out, day, emergency, stays, unbooked, wards

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
    path("akuten/", emergency.tracking, name="emergency"),
    path("akuten/rader/", emergency.rows, name="emergency-rows"),
    path("akuten/ankomst/", emergency.arrive, name="emergency-arrival"),
    path("platser/", wards.ward, name="ward"),
    path("platser/inskrivning/", wards.admission, name="admission"),
    path("platser/<uuid:pk>/stadad/", stays.cleaned, name="place-cleaned"),
    path("vardhandelser/<uuid:pk>/plats/", stays.place, name="encounter-place"),
    path("vardhandelser/<uuid:pk>/flytt/", stays.transfer, name="encounter-transfer"),
    path("vardhandelser/<uuid:pk>/permission/", stays.leave, name="encounter-leave"),
    path("vardhandelser/<uuid:pk>/permission/ater/", stays.come_back, name="encounter-return"),
    path("vardhandelser/<uuid:pk>/lakarbedomning/", stays.assess, name="encounter-assess"),
    path("vardhandelser/<uuid:pk>/komplettera/", stays.complete, name="encounter-complete"),
    path("vardhandelser/<uuid:pk>/inskrivning/", stays.admit, name="encounter-admit"),
    path("vardhandelser/<uuid:pk>/observation/", stays.observe, name="encounter-observe"),
    path("vardhandelser/<uuid:pk>/vidare/", stays.continue_at, name="encounter-continue"),
    path("vardhandelser/<uuid:pk>/konsult/", stays.consult, name="encounter-consult"),
]
