"""Bokningsbegäran, arbetslistor and the page of a vårdhändelse."""

from django.urls import path

from sdv.desk.views import booking_requests, contact_attempts, encounter, offers, rebooking, schedules, work_lists

urlpatterns = [
    path("bokningsbegaran/", booking_requests.booking_requests, name="booking-requests"),
    path("bokningsbegaran/orsaker/", booking_requests.reason_options, name="contact-reason-options"),
    path("bokningsbegaran/<uuid:pk>/", booking_requests.booking_request, name="booking-request"),
    path("bokningsbegaran/<uuid:pk>/resurs/", booking_requests.wished_resource, name="booking-request-resource"),
    path("bokningsbegaran/<uuid:pk>/bekrafta/", booking_requests.confirm, name="booking-request-confirm"),
    path("bokningsbegaran/<uuid:pk>/avsluta/", booking_requests.close, name="booking-request-close"),
    path("patienter/<uuid:pk>/bokningsbegaran/ny/", booking_requests.create, name="booking-request-create"),
    path("arbetslistor/", work_lists.work_lists, name="work-lists"),
    path("arbetslistor/awaiting-result/<uuid:pk>/svar/", work_lists.result, name="work-item-result"),
    path("arbetslistor/<slug:name>/", work_lists.work_list, name="work-list"),
    path("arbetslistor/<slug:name>/<uuid:pk>/besluta/", work_lists.decide, name="work-item-decide"),
    path("arbetslistor/<slug:name>/<uuid:pk>/skjut-upp/", work_lists.postpone, name="work-item-postpone"),
    path("arbetslistor/<slug:name>/<uuid:pk>/kontaktforsok/", contact_attempts.record, name="contact-attempt"),
    path("kontaktforsok/<uuid:pk>/angra/", contact_attempts.undo, name="contact-attempt-undo"),
    path("ombokningar/<uuid:pk>/ny-tid/", rebooking.move, name="rebooking-move"),
    path("frigjorda-tider/", offers.freed_times, name="freed-times"),
    path("frigjorda-tider/<uuid:pk>/", offers.freed_time, name="freed-time"),
    path("erbjudanden/<uuid:pk>/<slug:action>/", offers.answer, name="offer-answer"),
    path("tidbocker/", schedules.schedule_list, name="schedules"),
    path("tidbocker/franvaro/ny/", schedules.absence, name="absence-create"),
    path("tidbocker/franvaro/<uuid:pk>/aterkalla/", schedules.withdraw, name="absence-withdraw"),
    path("tidbocker/veckotider/<uuid:pk>/avsluta/", schedules.end_hours, name="hours-end"),
    path("tidbocker/extra/<uuid:pk>/ta-bort/", schedules.remove_extra, name="extra-hours-remove"),
    path("tidbocker/<uuid:pk>/", schedules.schedule, name="schedule"),
    path("vardhandelser/<uuid:pk>/", encounter.encounter, name="encounter"),
    path("vardhandelser/<uuid:pk>/utskrivning/", encounter.discharge, name="encounter-discharge"),
    path("vardhandelser/<uuid:pk>/annullera/", encounter.annul, name="encounter-annul"),
    path("vardhandelser/<uuid:pk>/oppna/", encounter.reopen, name="encounter-reopen"),
    path("vardhandelser/<uuid:pk>/typ/", encounter.change_type, name="encounter-change-type"),
    path("vardhandelser/<uuid:pk>/angra/<slug:action>/", encounter.undo, name="encounter-undo"),
]
