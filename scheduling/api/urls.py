"""Addresses of scheduling under /api/v1/."""

from django.urls import path

from . import appointments, booking_requests, commitments, contact_attempts, letters, slots, work_items

urlpatterns = [
    path("slots/", slots.Slots.as_view()),
    path("holds/", slots.Holds.as_view()),
    path("holds/<uuid:pk>/", slots.OneHold.as_view()),
    path("appointments/", appointments.Appointments.as_view()),
    path("appointments/<uuid:pk>/", appointments.OneAppointment.as_view()),
    path("appointments/<uuid:pk>/reschedule/", appointments.RescheduleAppointment.as_view()),
    path("appointments/<uuid:pk>/no-show/", appointments.NoShow.as_view()),
    path("booking-requests/", booking_requests.BookingRequests.as_view()),
    path("booking-requests/<uuid:pk>/", booking_requests.OneBookingRequest.as_view()),
    path("booking-requests/<uuid:pk>/close/", booking_requests.CloseBookingRequest.as_view()),
    path("commitments/", commitments.Commitments.as_view()),
    path("commitments/<uuid:pk>/", commitments.OneCommitment.as_view()),
    path("commitments/<uuid:pk>/close/", commitments.CloseCommitment.as_view()),
    path("commitments/<uuid:pk>/reopen/", commitments.ReopenCommitment.as_view()),
    path("contact-attempts/", contact_attempts.ContactAttempts.as_view()),
    path("contact-attempts/<uuid:pk>/undo/", contact_attempts.UndoContactAttempt.as_view()),
    path("letters/", letters.Letters.as_view()),
    path("letters/<uuid:pk>/", letters.OneLetter.as_view()),
    path("letters/<uuid:pk>/printed/", letters.LetterPrinted.as_view()),
    path("letters/<uuid:pk>/stop/", letters.StopLetter.as_view()),
    path("letters/<uuid:pk>/again/", letters.LetterAgain.as_view()),
    path("letters/<uuid:pk>/large-print/", letters.LargePrint.as_view()),
    path("letters/<uuid:pk>/document/", letters.LetterDocumentOf.as_view()),
    path("outcomes/", work_items.Outcomes.as_view()),
    path("work-lists/awaiting-result/<uuid:pk>/result/", work_items.ResultCame.as_view()),
    path("work-lists/awaiting-result/<uuid:pk>/decide/", work_items.DecideAwaited.as_view()),
    path("work-lists/missing-follow-up/<uuid:pk>/decide/", work_items.DecideMissing.as_view()),
    path("work-lists/no-shows/<uuid:pk>/decide/", work_items.DecideNoShow.as_view()),
]
