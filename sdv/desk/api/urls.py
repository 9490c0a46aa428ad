"""Addresses under /api/v1/ that more than one app takes part in."""

from django.urls import path

from . import births, deceased, encounters, merges, moves, new_encounters, protection, register, stays, work_lists

urlpatterns = [
    path("patients/search/", register.Search.as_view()),
    path("patients/from-register/", register.FromRegister.as_view()),
    path("patients/<uuid:pk>/merge/", merges.Merge.as_view()),
    path("patients/<uuid:pk>/merge/undo/", merges.UndoMerge.as_view()),
    path("patients/<uuid:pk>/deceased/", deceased.Deceased.as_view()),
    path("patients/<uuid:pk>/deceased/undo/", deceased.UndoDeceased.as_view()),
    path("patients/<uuid:pk>/protection/", protection.Protect.as_view()),
    path("appointments/<uuid:pk>/arrive/", moves.Arrive.as_view()),
    path("appointments/<uuid:pk>/cancel/", moves.Cancel.as_view()),
    path("appointments/<uuid:pk>/undo/", moves.UndoArrivalOrNoShow.as_view()),
    path("encounters/", new_encounters.Encounters.as_view()),
    path("encounters/<uuid:pk>/", encounters.OneEncounter.as_view()),
    path("encounters/<uuid:pk>/arrive/", moves.Admit.as_view()),
    path("encounters/<uuid:pk>/place/", moves.AssignPlace.as_view()),
    path("encounters/<uuid:pk>/transfer/", stays.Transfer.as_view()),
    path("encounters/<uuid:pk>/leave/", stays.Leave.as_view()),
    path("encounters/<uuid:pk>/leave/return/", stays.ComeBack.as_view()),
    path("encounters/<uuid:pk>/assessment/", stays.Assessment.as_view()),
    path("encounters/<uuid:pk>/children/", births.Children.as_view()),
    path("encounters/<uuid:pk>/birth/", births.BirthOf.as_view()),
    path("encounters/<uuid:pk>/personnummer/", births.PersonnummerOf.as_view()),
    path("encounters/<uuid:pk>/realtime/", stays.Realtime.as_view()),
    path("encounters/<uuid:pk>/stay/", stays.StayFacts.as_view()),
    path("places/<uuid:pk>/cleaned/", stays.Cleaned.as_view()),
    path("encounters/<uuid:pk>/check-out/", moves.CheckOut.as_view()),
    path("encounters/<uuid:pk>/check-out/undo/", moves.UndoCheckOut.as_view()),
    path("encounters/<uuid:pk>/discharge/", moves.Discharge.as_view()),
    path("encounters/<uuid:pk>/annul/", moves.Annul.as_view()),
    path("encounters/<uuid:pk>/change-type/", moves.ChangeType.as_view()),
    path("encounters/<uuid:pk>/reopen/", moves.Reopen.as_view()),
    path("encounters/<uuid:pk>/documentation/", moves.Documentation.as_view()),
    path("encounters/<uuid:pk>/documentation/<path:external_id>/", moves.OneDocument.as_view()),
    path("encounters/<uuid:pk>/cash-transactions/", moves.CashTransactions.as_view()),
    *(path(f"work-lists/{name}/", endpoint.as_view()) for name, endpoint in work_lists.ENDPOINTS.items()),
]
