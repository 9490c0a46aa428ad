"""Addresses of registration under /api/v1/."""

from django.urls import path

from . import access_log, catalogues, encounters, new_patients, orders, patient_parts, patients, referrals, relations

urlpatterns = [
    path("patients/", new_patients.Patients.as_view()),
    path("patients/reserve-searches/", new_patients.ReserveSearches.as_view()),
    path("patients/likely-doubles/", new_patients.LikelyDoubles.as_view()),
    path("patients/<uuid:pk>/", patients.OnePatient.as_view()),
    path("patients/<uuid:pk>/identities/", patient_parts.Identities.as_view()),
    path("patients/<uuid:pk>/phones/", patient_parts.Phones.as_view()),
    path("patients/<uuid:pk>/phones/<uuid:row>/", patient_parts.OnePhone.as_view()),
    path("patients/<uuid:pk>/addresses/", patient_parts.Addresses.as_view()),
    path("patients/<uuid:pk>/addresses/<uuid:row>/", patient_parts.OneAddress.as_view()),
    path("patients/<uuid:pk>/search-keys/", patient_parts.SearchKeys.as_view()),
    path("patients/<uuid:pk>/search-keys/<uuid:row>/", patient_parts.OneSearchKey.as_view()),
    path("patients/<uuid:pk>/relations/", relations.PatientRelations.as_view()),
    path("patients/<uuid:pk>/relations/<uuid:row>/", relations.OnePatientRelation.as_view()),
    path("encounters/<uuid:pk>/relations/", relations.EncounterRelations.as_view()),
    path("encounters/<uuid:pk>/relations/<uuid:row>/", relations.OneEncounterRelation.as_view()),
    path("patients/<uuid:pk>/access-log/", access_log.AccessLog.as_view()),
    path("care-units/", catalogues.CareUnits.as_view()),
    path("visit-types/", catalogues.VisitTypes.as_view()),
    path("contact-reasons/", catalogues.ContactReasons.as_view()),
    path("add-ons/", catalogues.AddOns.as_view()),
    path("problem-codes/", catalogues.ProblemCodes.as_view()),
    path("referrals/", referrals.Referrals.as_view()),
    path("referrals/<uuid:pk>/", referrals.OneReferral.as_view()),
    path("referrals/<uuid:pk>/review/", referrals.ReviewReferral.as_view()),
    path("referrals/<uuid:pk>/accept/", referrals.AcceptReferral.as_view()),
    path("referrals/<uuid:pk>/return/", referrals.ReturnReferral.as_view()),
    path("referrals/<uuid:pk>/forward/", referrals.ForwardReferral.as_view()),
    path("referrals/<uuid:pk>/reject/", referrals.RejectReferral.as_view()),
    path("orders/", orders.Orders.as_view()),
    path("orders/<uuid:pk>/", orders.OneOrder.as_view()),
    path("orders/<uuid:pk>/activate/", orders.ActivateOrder.as_view()),
    path("orders/<uuid:pk>/cancel/", orders.CancelOrder.as_view()),
    path("encounters/<uuid:pk>/history/", encounters.History.as_view()),
]
