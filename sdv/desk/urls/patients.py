"""Addresses of patients, booking and remisser."""

from django.urls import path

from sdv.desk.views import booking, deceased, letters, orders, patient_data, patient_tabs, patients, referrals

urlpatterns = [
    path("patienter/", patients.patients, name="patients"),
    path("patienter/sok/", patients.search, name="patient-search"),
    path("patienter/ur-folkbokforingen/", patients.choose, name="patient-choose"),
    path("patienter/ny/", patients.create, name="patient-create"),
    path("patienter/<uuid:pk>/", patient_data.patient, name="patient"),
    path("patienter/<uuid:pk>/uppgifter/<slug:name>/", patient_data.edit, name="patient-edit"),
    path("patienter/<uuid:pk>/uppgifter/<slug:name>/<uuid:row>/", patient_data.edit, name="patient-edit-row"),
    path("patienter/<uuid:pk>/uppgifter/<slug:name>/<uuid:row>/bort/", patient_data.remove, name="patient-remove-row"),
    path("patienter/<uuid:pk>/oppna/", patients.open_protected, name="patient-open"),
    path("patienter/<uuid:pk>/vardhandelser/", patient_tabs.encounters, name="patient-encounters"),
    path("patienter/<uuid:pk>/vardataganden/", patient_tabs.commitments, name="patient-commitments"),
    path("patienter/<uuid:pk>/vardataganden/nytt/", patient_tabs.commitment_create, name="commitment-create"),
    path(
        "patienter/<uuid:pk>/vardataganden/<uuid:commitment>/avslut/",
        patient_tabs.commitment_close,
        name="commitment-close",
    ),
    path(
        "patienter/<uuid:pk>/vardataganden/<uuid:commitment>/oppna/",
        patient_tabs.commitment_reopen,
        name="commitment-reopen",
    ),
    path("patienter/<uuid:pk>/remiss/", patient_tabs.referral_create, name="referral-create"),
    path("patienter/<uuid:pk>/bokningar/", patient_tabs.appointments, name="patient-appointments"),
    path("patienter/<uuid:pk>/logg/", patient_tabs.log, name="patient-log"),
    path("patienter/<uuid:pk>/avliden/", deceased.register, name="patient-deceased"),
    path("patienter/<uuid:pk>/avliden/datum/", deceased.correct, name="patient-deceased-correct"),
    path("patienter/<uuid:pk>/avliden/angra/", deceased.undo, name="patient-deceased-undo"),
    path("patienter/<uuid:pk>/avliden/angrad/", deceased.undone, name="patient-deceased-undone"),
    path("patienter/<uuid:pk>/avliden/brev/", letters.create, name="letter-create"),
    path("brev/<uuid:pk>/", letters.letter, name="letter"),
    path("brev/<uuid:pk>/utskrivet/", letters.printed, name="letter-printed"),
    path("brev/<uuid:pk>/stoppa/", letters.stop, name="letter-stop"),
    path("patienter/<uuid:pk>/ordinationer/ny/", orders.create, name="order-create"),
    path("patienter/<uuid:pk>/ordinationer/<uuid:order>/aktivera/", orders.activate, name="order-activate"),
    path("patienter/<uuid:pk>/ordinationer/<uuid:order>/makulera/", orders.cancel, name="order-cancel"),
    path("patienter/<uuid:pk>/boka/", booking.book, name="book"),
    path("bokningar/<uuid:pk>/omboka/", booking.reschedule, name="appointment-reschedule"),
    path("atkomstlogg/", patient_tabs.access_log, name="access-log"),
    path("remisser/", referrals.referrals, name="referrals"),
    path("remisser/<uuid:pk>/", referrals.referral, name="referral"),
]
