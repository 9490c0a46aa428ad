"""The permission matrix: every address × every role, asked for real. Who may what stands in one table of the product
(sdv/accounts/permissions.py); what each address asks for stands in the tables below, so that a new address fails here
until somebody has thought about it.

Each request is undone. What is expected of somebody who may is only that the answer is no refusal of rights: an empty
form is refused as a form."""

import json
import re
from dataclasses import dataclass, field
from datetime import date, time
from http import HTTPStatus
from types import SimpleNamespace
from urllib.parse import urlencode
from uuid import UUID

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, resolve, reverse
from django.urls.resolvers import URLResolver

from classification.actions import deliveries
from classification.actions.imports import import_now
from classification.actions.releases import ReleaseFacts
from classification.models import RegisterReporter
from classification.register.selection import period_due
from registration.actions import clock, contact, orders, referrals, relations
from registration.models import AddressKind
from scheduling.actions import (
    absences,
    appointments,
    check_out,
    contact_attempts,
    invitations,
    letters,
    offers,
    resource_bookings,
    schedules,
    sessions,
    work_items,
)
from scheduling.models import FreedTime, LetterAttachment, LetterEnclosure, ListFault, SavedView
from sdv.accounts import tokens
from sdv.accounts.administration import site
from sdv.accounts.doors import ANYONE, LOGGED_IN
from sdv.accounts.models import User
from sdv.accounts.permissions import Permission, Role, allowed
from sdv.desk.demo.identities import personnummer
from sdv.flows import deceased
from sdv.organisation.models import CareProvider, Place
from tests.classification import official_files
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.flows import merges
from tests.flows.merges import on_reserve_number

P = Permission
pytestmark = pytest.mark.timeout(400)
ANONYMOUS, WITHOUT_ASSIGNMENT = "anonymous", "without assignment"
ACTORS = [ANONYMOUS, WITHOUT_ASSIGNMENT, *Role]


@dataclass(frozen=True)
class Page:
    """A page: what each method asks for, and the things of the clinic that its address names (see path_of)."""

    get: object = None
    post: object = None
    things: dict = field(default_factory=dict)

    @property
    def methods(self):
        return {method: needed for method, needed in (("GET", self.get), ("POST", self.post)) if needed}


def page(get=None, post=None, **things):
    return Page(get, post, things)


# What each page asks for. Names as in sdv/desk/urls.
PAGES = {
    "health-live": page(ANYONE),
    "health-ready": page(ANYONE),
    "login": page(ANYONE, ANYONE),
    "logout": page(None, ANYONE),
    "start": page(LOGGED_IN),
    "choose-assignment": page(LOGGED_IN, LOGGED_IN),
    "preferences": page(LOGGED_IN, LOGGED_IN),
    "hide-identities": page(None, LOGGED_IN),
    "palette": page(LOGGED_IN, LOGGED_IN),
    # Dagens besök
    "day": page(P.VIEW_DAY),
    "day-close": page(P.REGISTER_ARRIVAL, P.REGISTER_ARRIVAL),
    "day-rows": page(P.VIEW_DAY),
    "day-row": page(P.VIEW_DAY, pk="arrived_encounter"),
    "group-sessions": page(P.VIEW_SCHEDULES),
    "group-session-plan": page(P.MAINTAIN_SCHEDULES, P.MAINTAIN_SCHEDULES),
    "group-session": page(P.VIEW_DAY, P.MAINTAIN_SCHEDULES, pk="session"),
    "group-session-arrive": page(None, P.REGISTER_ARRIVAL, pk="session"),
    "appointment-arrive": page(None, P.REGISTER_ARRIVAL, pk="booked"),
    "appointment-no-show": page(None, P.REGISTER_ARRIVAL, pk="booked"),
    "appointment-undo": page(None, P.REGISTER_ARRIVAL, pk="arrived"),
    "appointment-cancel": page(P.BOOK, P.BOOK, pk="booked"),
    "appointment-reschedule": page(P.BOOK, P.BOOK, pk="booked"),
    "encounter-call": page(None, P.REGISTER_ARRIVAL, pk="arrived_encounter"),
    "waiting-screen": page(ANYONE, ANYONE),
    "waiting-screen-rows": page(ANYONE),
    "drop-in": page(P.REGISTER_ENCOUNTERS, P.REGISTER_ENCOUNTERS),
    # Akuten and Platser
    "emergency": page(P.VIEW_ENCOUNTERS),
    "emergency-rows": page(P.VIEW_ENCOUNTERS),
    "emergency-arrival": page(P.REGISTER_ENCOUNTERS, P.REGISTER_ENCOUNTERS),
    "ward": page(P.VIEW_ENCOUNTERS),
    "admission": page(P.REGISTER_ENCOUNTERS, P.REGISTER_ENCOUNTERS),
    "place-cleaned": page(None, P.REGISTER_ENCOUNTERS, pk="place"),
    **dict.fromkeys(
        [
            "encounter-place",
            "encounter-transfer",
            "encounter-leave",
            "encounter-return",
            "encounter-assess",
            "encounter-complete",
            "encounter-participants",
            "encounter-interpreter",
            "encounter-observe",
            "encounter-continue",
            "encounter-consult",
            "encounter-children",
            "encounter-birth",
            "encounter-birth-time",
            "encounter-personnummer",
        ],
        page(P.REGISTER_ENCOUNTERS, P.REGISTER_ENCOUNTERS, pk="arrived_encounter"),
    ),
    "encounter-realtime": page(P.VIEW_ENCOUNTERS, pk="arrived_encounter"),
    "encounter-admit": page(P.REGISTER_ARRIVAL, P.REGISTER_ARRIVAL, pk="arrived_encounter"),
    "contact-guide": page(P.REGISTER_ENCOUNTERS),
    # Patients
    "patients": page(P.VIEW_PATIENTS),
    "patient-search": page(P.VIEW_PATIENTS, P.VIEW_PATIENTS),
    "patient-choose": page(P.EDIT_PATIENTS, P.EDIT_PATIENTS),
    "patient-create": page(P.EDIT_PATIENTS, P.EDIT_PATIENTS),
    "patient-reserve": page(P.EDIT_PATIENTS, P.EDIT_PATIENTS),
    "patient-doubles": page(None, P.EDIT_PATIENTS),
    "patient": page(P.VIEW_PATIENTS, pk="patient"),
    "patient-edit": page(P.EDIT_PATIENTS, P.EDIT_PATIENTS, pk="patient", name="=telefon"),
    "patient-edit-row": page(P.EDIT_PATIENTS, P.EDIT_PATIENTS, pk="patient", name="=telefon", row="phone"),
    "patient-remove-row": page(None, P.EDIT_PATIENTS, pk="patient", name="=telefon", row="phone"),
    "patient-open": page(None, P.VIEW_PATIENTS, pk="patient"),
    "patient-relations": page(P.VIEW_PATIENTS, pk="patient"),
    "relation-add": page(P.EDIT_PATIENTS, P.EDIT_PATIENTS, pk="patient"),
    "relation-edit": page(P.EDIT_PATIENTS, P.EDIT_PATIENTS, pk="patient", row="relation"),
    "relation-remove": page(None, P.EDIT_PATIENTS, pk="patient", row="relation"),
    "patient-encounters": page(P.VIEW_ENCOUNTERS, pk="patient"),
    "patient-commitments": page(P.VIEW_PATIENTS, pk="patient"),
    "patient-appointments": page(P.VIEW_PATIENTS, pk="patient"),
    "patient-log": page(P.VIEW_ACCESS_LOG, pk="patient"),
    "patient-log-extract": page(None, P.VIEW_ACCESS_LOG, pk="patient"),
    "access-log": page(P.VIEW_ACCESS_LOG),
    "patient-protection": page(P.SET_PROTECTION, P.SET_PROTECTION, pk="patient"),
    "patient-protection-lift": page(P.LIFT_PROTECTION, P.LIFT_PROTECTION, pk="patient"),
    "patient-contact-way": page(P.VIEW_PATIENTS, P.VIEW_PATIENTS, pk="patient"),
    "patient-deceased": page(P.SET_DECEASED, P.SET_DECEASED, pk="patient"),
    "patient-deceased-undone": page(P.UNDO_DECEASED, pk="undead"),
    "patient-deceased-undo": page(P.UNDO_DECEASED, P.UNDO_DECEASED, pk="patient"),
    "patient-merge": page(P.MERGE_PATIENTS, P.MERGE_PATIENTS, pk="patient"),
    "patient-merge-undo": page(P.UNDO_MERGE, P.UNDO_MERGE, pk="merged"),
    "patient-merge-undone": page(P.UNDO_MERGE, pk="merged"),
    "book": page(P.BOOK, P.BOOK, pk="patient"),
    "book-consult": page(P.BOOK, P.BOOK, pk="patient"),
    "book-series": page(P.BOOK, P.BOOK, pk="patient"),
    "book-together": page(P.BOOK, P.BOOK, pk="patient"),
    # Vårdåtaganden and remisser
    "commitment-create": page(P.DECIDE_CARE, P.DECIDE_CARE, pk="patient"),
    "commitment-close": page(P.DECIDE_CARE, P.DECIDE_CARE, pk="patient", commitment="commitment"),
    "commitment-reopen": page(P.DECIDE_CARE, P.DECIDE_CARE, pk="patient", commitment="commitment"),
    "letter-create": page(P.WRITE_LETTERS, P.WRITE_LETTERS, pk="patient"),
    "letters": page(P.WRITE_LETTERS),
    "letters-print": page(None, P.WRITE_LETTERS),
    "letters-confirm": page(None, P.WRITE_LETTERS),
    "appointment-letter": page(None, P.WRITE_LETTERS, pk="booked"),
    "letter": page(P.WRITE_LETTERS, pk="letter"),
    "letter-document": page(P.WRITE_LETTERS, pk="letter"),
    "letter-rewrite": page(P.WRITE_LETTERS, P.WRITE_LETTERS, pk="letter"),
    "letter-enclosure": page(P.WRITE_LETTERS, pk="letter", file="enclosure"),
    "letter-large": page(None, P.WRITE_LETTERS, pk="letter"),
    "letter-again": page(None, P.WRITE_LETTERS, pk="letter"),
    "letter-printed": page(None, P.WRITE_LETTERS, pk="letter"),
    "letter-stop": page(P.WRITE_LETTERS, P.WRITE_LETTERS, pk="letter"),
    "patient-deceased-correct": page(P.SET_DECEASED, P.SET_DECEASED, pk="patient"),
    "order-create": page(P.DECIDE_CARE, P.DECIDE_CARE, pk="patient"),
    "order-activate": page(None, P.REGISTER_ENCOUNTERS, pk="patient", order="order"),
    "order-cancel": page(P.DECIDE_CARE, P.DECIDE_CARE, pk="patient", order="order"),
    "referral-create": page(P.REGISTER_REFERRALS, P.REGISTER_REFERRALS, pk="patient"),
    "referral-send": page(P.REGISTER_REFERRALS, P.REGISTER_REFERRALS, pk="patient"),
    "referral-wait": page(P.VIEW_REFERRALS, P.REVIEW_REFERRALS, pk="referral"),
    "waiting-times": page(P.VIEW_STATISTICS),
    "waiting-times-workbook": page(P.VIEW_STATISTICS),
    "cancellations": page(P.VIEW_STATISTICS),
    "cancellations-workbook": page(P.VIEW_STATISTICS),
    "referrals": page(P.VIEW_REFERRALS),
    "referrals-sent": page(P.VIEW_REFERRALS),
    "referral": page(P.VIEW_REFERRALS, P.REVIEW_REFERRALS, pk="referral"),
    # Vårdhändelser
    "encounter": page(P.VIEW_ENCOUNTERS, pk="arrived_encounter"),
    "encounter-discharge": page(P.REGISTER_ENCOUNTERS, P.REGISTER_ENCOUNTERS, pk="checked_out_encounter"),
    "encounter-annul": page(P.ANNUL, P.ANNUL, pk="arrived_encounter"),
    "encounter-reopen": page(P.CORRECT, P.CORRECT, pk="ended_encounter"),
    "encounter-change-type": page(P.REGISTER_ENCOUNTERS, P.REGISTER_ENCOUNTERS, pk="arrived_encounter"),
    "encounter-undo": page(P.REGISTER_ARRIVAL, P.REGISTER_ARRIVAL, pk="arrived_encounter", action="=undo-arrival"),
    "check-out": page(P.CHECK_OUT, P.CHECK_OUT, pk="arrived_encounter"),
    "check-out-undo": page(None, P.CHECK_OUT, pk="checked_out_encounter"),
    # Arbetslistor
    "work-lists": page(P.VIEW_WORK_LISTS),
    "work-list": page(P.VIEW_WORK_LISTS, name="=awaiting-result"),
    "list-fault-take": page(None, P.HANDLE_WORK_LISTS, pk="fault"),
    "work-item-result": page(None, P.HANDLE_WORK_LISTS, pk="awaited"),
    "work-item-postpone": page(P.HANDLE_WORK_LISTS, P.HANDLE_WORK_LISTS, pk="awaited", name="=awaiting-result"),
    "work-item-decide": page(P.DECIDE_CARE, P.DECIDE_CARE, pk="awaited", name="=awaiting-result"),
    "contact-attempt": page(P.HANDLE_WORK_LISTS, P.HANDLE_WORK_LISTS, pk="request", name="=booking-requests"),
    "wait-letter": page(P.WRITE_LETTERS, P.WRITE_LETTERS, name="=booking-requests"),
    "open-invitation-create": page(P.BOOK, P.BOOK, pk="request", name="=booking-requests"),
    "open-invitation-end": page(P.HANDLE_WORK_LISTS, P.HANDLE_WORK_LISTS, pk="invitation"),
    "open-invitation-letter": page(None, P.WRITE_LETTERS, pk="invitation"),
    "contact-attempt-undo": page(None, P.HANDLE_WORK_LISTS, pk="attempt"),
    "booking-requests": page(P.VIEW_WORK_LISTS, P.VIEW_WORK_LISTS),
    "booking-requests-invite": page(None, P.BOOK),
    "booking-requests-assign": page(P.HANDLE_WORK_LISTS, P.HANDLE_WORK_LISTS),
    "booking-request-await": page(P.DECIDE_CARE, P.DECIDE_CARE, pk="request"),
    "booking-requests-many": page(None, P.HANDLE_WORK_LISTS),
    "saved-view-create": page(None, P.VIEW_WORK_LISTS),
    "saved-view-remove": page(None, P.VIEW_WORK_LISTS, pk="view"),
    "booking-request-take": page(None, P.HANDLE_WORK_LISTS, pk="request"),
    "referral-letter": page(P.WRITE_LETTERS, P.WRITE_LETTERS, pk="referral"),
    "referral-undo": page(None, P.REVIEW_REFERRALS, pk="referral"),
    "referral-take": page(None, P.HANDLE_WORK_LISTS, pk="referral"),
    "booking-request-take-over": page(None, P.HANDLE_WORK_LISTS, pk="request"),
    "booking-request": page(P.VIEW_WORK_LISTS, P.HANDLE_WORK_LISTS, pk="request"),
    "booking-request-create": page(P.HANDLE_WORK_LISTS, P.HANDLE_WORK_LISTS, pk="patient"),
    "booking-request-resource": page(P.HANDLE_WORK_LISTS, P.HANDLE_WORK_LISTS, pk="request"),
    "booking-request-confirm": page(None, P.HANDLE_WORK_LISTS, pk="request"),
    "booking-request-close": page(P.HANDLE_WORK_LISTS, P.HANDLE_WORK_LISTS, pk="request"),
    "contact-reason-options": page(P.HANDLE_WORK_LISTS),
    # Tidböcker
    "schedules": page(P.VIEW_SCHEDULES),
    "schedule": page(P.VIEW_SCHEDULES, P.MAINTAIN_SCHEDULES, pk="nurse_resource"),
    "absence-create": page(P.MAINTAIN_SCHEDULES, P.MAINTAIN_SCHEDULES),
    "absence-change": page(P.MAINTAIN_SCHEDULES, P.MAINTAIN_SCHEDULES, pk="absence"),
    "absence-withdraw": page(None, P.MAINTAIN_SCHEDULES, pk="absence"),
    "hours-end": page(None, P.MAINTAIN_SCHEDULES, pk="hours"),
    "extra-hours-remove": page(None, P.MAINTAIN_SCHEDULES, pk="extra"),
    "rebooking-move": page(P.BOOK, P.BOOK, pk="rebooking"),
    "freed-times": page(P.BOOK),
    "freed-time": page(P.BOOK, P.BOOK, pk="freed"),
    "offer-answer": page(None, P.BOOK, pk="offer", action="=nej"),
    # Klassificering
    "coding": page(P.CODE),
    "encounter-coding": page(P.CODE, P.CODE, pk="ended_encounter"),
    "encounter-coding-undo": page(None, P.CODE, pk="ended_encounter"),
    "code-catalogue": page(P.VIEW_CATALOGUES),
    "code": page(P.VIEW_CATALOGUES, system="=icd-10-se", code="=F438A"),
    "code-search": page(None, P.CODE, vardhandelse="?ended_encounter"),
    # Statistik
    "statistics": page(P.VIEW_STATISTICS),
    "statistics-csv": page(P.VIEW_STATISTICS),
    "statistics-workbook": page(P.VIEW_STATISTICS),
    "coding-quality": page(P.VIEW_STATISTICS),
    "coding-quality-csv": page(P.VIEW_STATISTICS),
    "coding-quality-workbook": page(P.VIEW_STATISTICS),
    # Leveranser
    "grouping-export": page(P.EXPORT_CODED),
    "grouping-export-csv": page(P.EXPORT_CODED),
    "deliveries": page(P.DELIVER_REGISTERS),
    "delivery-preview": page(P.DELIVER_REGISTERS, P.DELIVER_REGISTERS),
    "delivery": page(P.DELIVER_REGISTERS, pk="delivery"),
    "delivery-send": page(None, P.DELIVER_REGISTERS, pk="delivery"),
    "delivery-discard": page(P.DELIVER_REGISTERS, P.DELIVER_REGISTERS, pk="delivery"),
    "delivery-file": page(P.DELIVER_REGISTERS, pk="delivery", file="delivery_file"),
}
# The page's own decorator asks for less than the act behind it.
ASKS_FURTHER = {"encounter-undo": P.VIEW_ENCOUNTERS}
# Answers 404 outside the practice environment, except to support.
ONLY_SUPPORT_SEES = {"gallery"}

# The permission of each method of each address under /api/v1/, and the thing of the clinic that `pk` means.
ENDPOINTS = {
    "patients/search/": ({"POST": P.VIEW_PATIENTS}, None),
    "patients/from-register/": ({"POST": P.EDIT_PATIENTS}, None),
    "patients/": ({"POST": P.EDIT_PATIENTS}, None),
    "patients/reserve-searches/": ({"POST": P.EDIT_PATIENTS}, None),
    "patients/likely-doubles/": ({"POST": P.EDIT_PATIENTS}, None),
    "patients/<uuid:pk>/": ({"GET": P.VIEW_PATIENTS, "PATCH": P.EDIT_PATIENTS}, "patient"),
    "patients/<uuid:pk>/identities/": ({"GET": P.VIEW_PATIENTS}, "patient"),
    "patients/<uuid:pk>/phones/": ({"GET": P.VIEW_PATIENTS, "POST": P.EDIT_PATIENTS}, "patient"),
    "patients/<uuid:pk>/phones/<uuid:row>/": ({"PATCH": P.EDIT_PATIENTS, "DELETE": P.EDIT_PATIENTS}, "patient"),
    "patients/<uuid:pk>/addresses/": ({"GET": P.VIEW_PATIENTS, "POST": P.EDIT_PATIENTS}, "patient"),
    "patients/<uuid:pk>/addresses/<uuid:row>/": ({"PATCH": P.EDIT_PATIENTS, "DELETE": P.EDIT_PATIENTS}, "patient"),
    "patients/<uuid:pk>/search-keys/": ({"GET": P.VIEW_PATIENTS, "POST": P.EDIT_PATIENTS}, "patient"),
    "patients/<uuid:pk>/search-keys/<uuid:row>/": ({"DELETE": P.EDIT_PATIENTS}, "patient"),
    "patients/<uuid:pk>/relations/": ({"GET": P.VIEW_PATIENTS, "POST": P.EDIT_PATIENTS}, "patient"),
    "patients/<uuid:pk>/relations/<uuid:row>/": ({"PATCH": P.EDIT_PATIENTS, "DELETE": P.EDIT_PATIENTS}, "patient"),
    "encounters/<uuid:pk>/relations/": (
        {"GET": P.VIEW_ENCOUNTERS, "POST": P.REGISTER_ENCOUNTERS},
        "arrived_encounter",
    ),
    "encounters/<uuid:pk>/relations/<uuid:row>/": (
        {"PATCH": P.REGISTER_ENCOUNTERS, "DELETE": P.REGISTER_ENCOUNTERS},
        "arrived_encounter",
    ),
    "patients/<uuid:pk>/portal-contact/": (
        {"GET": P.VIEW_PATIENTS, "PUT": P.REPORT_FACTS, "DELETE": P.REPORT_FACTS},
        "patient",
    ),
    "patients/<uuid:pk>/access-log/": ({"GET": P.VIEW_ACCESS_LOG}, "patient"),
    "patients/<uuid:pk>/protection/": ({"POST": P.SET_PROTECTION, "DELETE": P.LIFT_PROTECTION}, "patient"),
    "patients/<uuid:pk>/merge/": ({"POST": P.MERGE_PATIENTS}, "patient"),
    "patients/<uuid:pk>/merge/undo/": ({"POST": P.UNDO_MERGE}, "patient"),
    "patients/<uuid:pk>/deceased/": (
        {"GET": P.VIEW_PATIENTS, "POST": P.SET_DECEASED, "PATCH": P.SET_DECEASED},
        "patient",
    ),
    "patients/<uuid:pk>/deceased/undo/": ({"POST": P.UNDO_DECEASED}, "patient"),
    "care-units/": ({"GET": P.VIEW_CATALOGUES}, None),
    "visit-types/": ({"GET": P.VIEW_CATALOGUES}, None),
    "contact-reasons/": ({"GET": P.VIEW_CATALOGUES}, None),
    "add-ons/": ({"GET": P.VIEW_CATALOGUES}, None),
    "problem-codes/": ({"GET": P.VIEW_CATALOGUES}, None),
    "outcomes/": ({"GET": P.VIEW_CATALOGUES}, None),
    "codes/<str:system>/": ({"GET": P.VIEW_CATALOGUES}, None),
    "codes/<str:system>/<str:code>/": ({"GET": P.VIEW_CATALOGUES}, None),
    "letters/": ({"GET": P.WRITE_LETTERS, "POST": P.WRITE_LETTERS}, None),
    "letters/preview/": ({"POST": P.WRITE_LETTERS}, None),
    "letters/write-many/": ({"POST": P.WRITE_LETTERS}, None),
    "letters/<uuid:pk>/": ({"GET": P.WRITE_LETTERS}, "letter"),
    "letters/<uuid:pk>/printed/": ({"POST": P.WRITE_LETTERS}, "letter"),
    "letters/<uuid:pk>/stop/": ({"POST": P.WRITE_LETTERS}, "letter"),
    "letters/<uuid:pk>/again/": ({"POST": P.WRITE_LETTERS}, "letter"),
    "letters/<uuid:pk>/large-print/": ({"POST": P.WRITE_LETTERS}, "letter"),
    "letters/<uuid:pk>/document/": ({"GET": P.WRITE_LETTERS}, "letter"),
    "orders/": ({"GET": P.VIEW_ENCOUNTERS, "POST": P.DECIDE_CARE}, None),
    "orders/<uuid:pk>/": ({"GET": P.VIEW_ENCOUNTERS}, "order"),
    "orders/<uuid:pk>/activate/": ({"POST": P.REGISTER_ENCOUNTERS}, "order"),
    "orders/<uuid:pk>/cancel/": ({"POST": P.DECIDE_CARE}, "order"),
    "referrals/": ({"GET": P.VIEW_REFERRALS, "POST": P.REGISTER_REFERRALS}, None),
    "referrals/<uuid:pk>/deviations/": ({"GET": P.VIEW_REFERRALS, "POST": P.REVIEW_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/deviations/<uuid:row>/end/": ({"POST": P.REVIEW_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/deviations/<uuid:row>/withdraw/": ({"POST": P.REVIEW_REFERRALS}, "referral"),
    "waiting-times/": ({"GET": P.VIEW_STATISTICS}, None),
    "waiting-times/booking-requests/": ({"GET": P.VIEW_STATISTICS}, None),
    "sent-referrals/": ({"GET": P.VIEW_REFERRALS}, None),
    "referrals/<uuid:pk>/events/": ({"GET": P.VIEW_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/receipt/": ({"POST": P.REGISTER_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/outside-receipt/": ({"POST": P.REGISTER_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/complete/": ({"POST": P.REGISTER_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/": ({"GET": P.VIEW_REFERRALS, "PATCH": P.REGISTER_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/review/": ({"POST": P.REVIEW_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/accept/": ({"POST": P.REVIEW_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/return/": ({"POST": P.REVIEW_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/forward/": ({"POST": P.REVIEW_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/reject/": ({"POST": P.REVIEW_REFERRALS}, "referral"),
    "commitments/": ({"GET": P.VIEW_ENCOUNTERS, "POST": P.DECIDE_CARE}, None),
    "commitments/<uuid:pk>/": ({"GET": P.VIEW_ENCOUNTERS}, "commitment"),
    "commitments/<uuid:pk>/close/": ({"POST": P.DECIDE_CARE}, "commitment"),
    "commitments/<uuid:pk>/pathway/": ({"GET": P.VIEW_ENCOUNTERS}, "commitment"),
    "commitments/<uuid:pk>/reopen/": ({"POST": P.DECIDE_CARE}, "commitment"),
    "schedules/": ({"GET": P.VIEW_SCHEDULES}, None),
    "weekly-hours/": ({"POST": P.MAINTAIN_SCHEDULES}, None),
    "weekly-hours/<uuid:pk>/end/": ({"POST": P.MAINTAIN_SCHEDULES}, "hours"),
    "extra-hours/": ({"POST": P.MAINTAIN_SCHEDULES}, None),
    "extra-hours/<uuid:pk>/": ({"DELETE": P.MAINTAIN_SCHEDULES}, "extra"),
    "saved-views/": ({"GET": P.VIEW_WORK_LISTS, "POST": P.VIEW_WORK_LISTS}, None),
    "saved-views/<uuid:pk>/": ({"DELETE": P.VIEW_WORK_LISTS}, "view"),
    "booking-requests/change-many/": ({"POST": P.HANDLE_WORK_LISTS}, None),
    "absences/": ({"GET": P.VIEW_SCHEDULES, "POST": P.MAINTAIN_SCHEDULES}, None),
    "absences/preview/": ({"POST": P.MAINTAIN_SCHEDULES}, None),
    "absences/<uuid:pk>/": ({"GET": P.VIEW_SCHEDULES, "PATCH": P.MAINTAIN_SCHEDULES}, "absence"),
    "absences/<uuid:pk>/withdraw/": ({"POST": P.MAINTAIN_SCHEDULES}, "absence"),
    "rebooking-items/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "rebooking-items/<uuid:pk>/": ({"GET": P.VIEW_WORK_LISTS}, "rebooking"),
    "rebooking-items/<uuid:pk>/rebook/": ({"POST": P.BOOK}, "rebooking"),
    "rebooking-items/<uuid:pk>/postpone/": ({"POST": P.HANDLE_WORK_LISTS}, "rebooking"),
    "booking-requests/<uuid:pk>/take-over/": ({"POST": P.HANDLE_WORK_LISTS}, "request"),
    "referrals/<uuid:pk>/undo/": ({"POST": P.REVIEW_REFERRALS}, "referral"),
    "referrals/<uuid:pk>/take-over/": ({"POST": P.HANDLE_WORK_LISTS}, "referral"),
    "work-lists/list-faults/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "list-faults/<uuid:pk>/take/": ({"POST": P.HANDLE_WORK_LISTS}, "fault"),
    "work-lists/rebooking/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/day-close/": ({"GET": P.VIEW_DAY}, None),
    "day-close/": ({"GET": P.VIEW_DAY, "POST": P.REGISTER_ARRIVAL}, None),
    "freed-times/": ({"GET": P.VIEW_SCHEDULES}, None),
    "freed-times/<uuid:pk>/candidates/": ({"GET": P.VIEW_WORK_LISTS}, "freed"),
    "encounters/<uuid:pk>/call/": ({"POST": P.REGISTER_ARRIVAL}, "arrived_encounter"),
    "open-invitations/": ({"GET": P.VIEW_WORK_LISTS, "POST": P.BOOK}, None),
    "booking-requests/invite-many/": ({"POST": P.BOOK}, None),
    "open-invitations/<uuid:pk>/": ({"GET": P.VIEW_WORK_LISTS}, "invitation"),
    "open-invitations/<uuid:pk>/book/": ({"POST": P.BOOK}, "invitation"),
    "open-invitations/<uuid:pk>/end/": ({"POST": P.HANDLE_WORK_LISTS}, "invitation"),
    "open-invitations/<uuid:pk>/letter/": ({"POST": P.WRITE_LETTERS}, "invitation"),
    "work-lists/open-invitations/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "letter-attachments/": ({"GET": P.WRITE_LETTERS}, None),
    "letters/<uuid:pk>/rewrite/": ({"POST": P.WRITE_LETTERS}, "letter"),
    "letters/<uuid:pk>/attachments/": ({"GET": P.WRITE_LETTERS}, "letter"),
    "offers/": ({"GET": P.VIEW_WORK_LISTS, "POST": P.BOOK}, None),
    "offers/<uuid:pk>/accept/": ({"POST": P.BOOK}, "offer"),
    "offers/<uuid:pk>/decline/": ({"POST": P.BOOK}, "offer"),
    "offers/<uuid:pk>/withdraw/": ({"POST": P.BOOK}, "offer"),
    "slots/": ({"GET": P.VIEW_SCHEDULES}, None),
    "holds/": ({"POST": P.BOOK}, None),
    "holds/<uuid:pk>/": ({"DELETE": P.BOOK}, "hold"),
    "appointments/": ({"GET": P.VIEW_DAY, "POST": P.BOOK}, None),
    "appointments/<uuid:pk>/": ({"GET": P.VIEW_DAY}, "booked"),
    "appointments/<uuid:pk>/reschedule/": ({"POST": P.BOOK}, "booked"),
    "appointments/<uuid:pk>/cancel/": ({"POST": P.BOOK}, "booked"),
    "appointments/<uuid:pk>/no-show/": ({"POST": P.REGISTER_ARRIVAL}, "booked"),
    "appointments/<uuid:pk>/arrive/": ({"POST": P.REGISTER_ARRIVAL}, "booked"),
    "appointments/<uuid:pk>/undo/": ({"POST": P.REGISTER_ARRIVAL}, "arrived"),
    "appointments/<uuid:pk>/rest/reschedule/": ({"POST": P.BOOK}, "booked"),
    "appointments/<uuid:pk>/rest/cancel/": ({"POST": P.BOOK}, "booked"),
    "visit-plans/": ({"POST": P.BOOK}, None),
    "visit-plans/proposals/": ({"POST": P.VIEW_SCHEDULES}, None),
    "series/": ({"POST": P.BOOK}, None),
    "series/proposals/": ({"POST": P.VIEW_SCHEDULES}, None),
    "sessions/": ({"GET": P.VIEW_SCHEDULES, "POST": P.MAINTAIN_SCHEDULES}, None),
    "sessions/<uuid:pk>/": ({"GET": P.VIEW_SCHEDULES, "PATCH": P.MAINTAIN_SCHEDULES}, "session"),
    "sessions/<uuid:pk>/move/": ({"POST": P.MAINTAIN_SCHEDULES}, "session"),
    "sessions/<uuid:pk>/cancel/": ({"POST": P.MAINTAIN_SCHEDULES}, "session"),
    "sessions/<uuid:pk>/arrive/": ({"POST": P.REGISTER_ARRIVAL}, "session"),
    "sessions/<uuid:pk>/participants/": ({"POST": P.BOOK}, "session"),
    "booking-requests/": ({"GET": P.VIEW_WORK_LISTS, "POST": P.HANDLE_WORK_LISTS}, None),
    "booking-requests/search/": ({"POST": P.VIEW_WORK_LISTS}, None),
    "booking-requests/<uuid:pk>/": ({"GET": P.VIEW_WORK_LISTS, "PATCH": P.HANDLE_WORK_LISTS}, "request"),
    "booking-requests/<uuid:pk>/lock/": (
        {"POST": P.HANDLE_WORK_LISTS, "DELETE": P.HANDLE_WORK_LISTS},
        "request",
    ),
    "booking-requests/<uuid:pk>/close/": ({"POST": P.HANDLE_WORK_LISTS}, "request"),
    "booking-requests/<uuid:pk>/await-result/": ({"POST": P.DECIDE_CARE}, "request"),
    "contact-attempts/": ({"GET": P.VIEW_WORK_LISTS, "POST": P.HANDLE_WORK_LISTS}, None),
    "contact-attempts/<uuid:pk>/undo/": ({"POST": P.HANDLE_WORK_LISTS}, "attempt"),
    "encounters/": ({"GET": P.VIEW_ENCOUNTERS, "POST": P.REGISTER_ENCOUNTERS}, None),
    "encounters/<uuid:pk>/": ({"GET": P.VIEW_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/history/": ({"GET": P.VIEW_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/arrive/": ({"POST": P.REGISTER_ARRIVAL}, "arrived_encounter"),
    "encounters/<uuid:pk>/place/": ({"POST": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/transfer/": ({"POST": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/leave/": ({"POST": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/leave/return/": ({"POST": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/assessment/": ({"POST": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/children/": ({"POST": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/birth/": (
        {"POST": P.REGISTER_ENCOUNTERS, "PATCH": P.REGISTER_ENCOUNTERS},
        "arrived_encounter",
    ),
    "encounters/<uuid:pk>/personnummer/": ({"POST": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/realtime/": ({"GET": P.VIEW_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/participants/": (
        {"GET": P.VIEW_ENCOUNTERS, "PUT": P.REGISTER_ENCOUNTERS},
        "arrived_encounter",
    ),
    "encounters/<uuid:pk>/interpreter/": ({"PUT": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/stay/": ({"PATCH": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "places/<uuid:pk>/cleaned/": ({"POST": P.REGISTER_ENCOUNTERS}, "place"),
    "encounters/<uuid:pk>/check-out/": ({"POST": P.CHECK_OUT}, "arrived_encounter"),
    "encounters/<uuid:pk>/arrive/undo/": ({"POST": P.REGISTER_ARRIVAL}, "arrived_encounter"),
    "encounters/<uuid:pk>/check-out/undo/": ({"POST": P.CHECK_OUT}, "checked_out_encounter"),
    "encounters/<uuid:pk>/discharge/": ({"POST": P.REGISTER_ENCOUNTERS}, "checked_out_encounter"),
    "encounters/<uuid:pk>/annul/": ({"POST": P.ANNUL}, "arrived_encounter"),
    "encounters/<uuid:pk>/change-type/": ({"POST": P.REGISTER_ENCOUNTERS}, "arrived_encounter"),
    "encounters/<uuid:pk>/reopen/": ({"POST": P.CORRECT}, "ended_encounter"),
    "encounters/<uuid:pk>/documentation/": ({"POST": P.REPORT_FACTS}, "arrived_encounter"),
    "encounters/<uuid:pk>/documentation/<path:external_id>/": ({"DELETE": P.REPORT_FACTS}, "arrived_encounter"),
    "encounters/<uuid:pk>/cash-transactions/": ({"POST": P.REPORT_FACTS}, "arrived_encounter"),
    "encounters/<uuid:pk>/coding/": ({"GET": P.VIEW_ENCOUNTERS, "PUT": P.CODE}, "ended_encounter"),
    "register-deliveries/": ({"GET": P.DELIVER_REGISTERS}, None),
    "register-deliveries/<uuid:pk>/": ({"GET": P.DELIVER_REGISTERS}, "delivery"),
    "statistics/production/": ({"GET": P.VIEW_STATISTICS}, None),
    "statistics/cancellations/": ({"GET": P.VIEW_STATISTICS}, None),
    "work-lists/booking-requests/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/to-book/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/referrals/": ({"GET": P.VIEW_REFERRALS}, None),
    "work-lists/awaiting-result/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/missing-follow-up/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/no-shows/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/awaiting-check-out/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/coding/": ({"GET": P.CODE}, None),
    "work-lists/cancelled-not-ended/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/broken-promises/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "work-lists/awaiting-result/<uuid:pk>/result/": ({"POST": P.HANDLE_WORK_LISTS}, "awaited"),
    "work-lists/awaiting-result/<uuid:pk>/decide/": ({"POST": P.DECIDE_CARE}, "awaited"),
    "work-lists/missing-follow-up/<uuid:pk>/decide/": ({"POST": P.DECIDE_CARE}, "missing"),
    "work-lists/awaiting-result/<uuid:pk>/postpone/": ({"POST": P.HANDLE_WORK_LISTS}, "awaited"),
    "work-lists/missing-follow-up/<uuid:pk>/postpone/": ({"POST": P.HANDLE_WORK_LISTS}, "missing"),
    "no-show-items/": ({"GET": P.VIEW_WORK_LISTS}, None),
    "no-show-items/<uuid:pk>/": ({"GET": P.VIEW_WORK_LISTS}, "missed"),
    "no-show-items/<uuid:pk>/decide/": ({"POST": P.DECIDE_CARE}, "missed"),
    "no-show-items/<uuid:pk>/postpone/": ({"POST": P.HANDLE_WORK_LISTS}, "missed"),
}
# What other systems ask in the wire format of the national contracts, by a key of their own.
SERVICES = {"rivta/get-care-contacts/3/": P.SHARE_CONTACTS}
# The schema, its page, and the answer to an address that is not there.
OPEN_ENDPOINTS = {"api/schema/", "api/docs/", "api/docs/<slug:area>/", "api/^"}

# The administration: of which permissions one is enough for each kind of row.
CATALOGUES, SCHEDULES, LOGS = (
    {P.MAINTAIN_CATALOGUES},
    {P.MAINTAIN_CATALOGUES, P.MAINTAIN_SCHEDULES},
    {P.VIEW_ACCESS_LOG},
)
ADMINISTRATION = {
    **dict.fromkeys(["careprovider", "facility", "careunit", "reception", "ward", "branch", "place"], CATALOGUES),
    **dict.fromkeys(["user", "staffassignment", "practitioner", "apitoken"], CATALOGUES),
    **dict.fromkeys(
        ["carearea", "profession", "encounterclass", "encountertype", "visitkind", "visittype"], CATALOGUES
    ),
    **dict.fromkeys(["contactreason", "addoncategory", "addon", "addresskind", "problemcode"], CATALOGUES),
    **dict.fromkeys(["lettertext", "letterattachment", "feerate", "waitingscreen"], CATALOGUES),
    **dict.fromkeys(
        ["guaranteelimit", "referralreviewer", "sharedlist", "sharedlistunit", "visittypereason"], CATALOGUES
    ),
    **dict.fromkeys(["outcome", "outcomereason", "codesystem", "coderelease", "code", "codeimport"], CATALOGUES),
    **dict.fromkeys(["checksetting", "blockedcode", "favouritecode"], CATALOGUES),
    **dict.fromkeys(["registercode", "registerreporter", "reportingunit", "registerlayout"], CATALOGUES),
    "resource": SCHEDULES,
    **dict.fromkeys(["accesslogentry", "changelogentry"], LOGS),
    "outboxmessage": CATALOGUES,
}
EVERY_DOOR = {P.MAINTAIN_CATALOGUES, P.MAINTAIN_SCHEDULES, P.VIEW_ACCESS_LOG}


# --- The tables name everything -------------------------------------------------------------------------------------


def addresses(patterns=None, before=""):
    """(route, name, view) of every address of the product."""
    for pattern in patterns or get_resolver().url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern.name, pattern.callback


def pages():
    return {name: view for route, name, view in addresses() if not route.startswith(("admin/", "api/", "rivta/"))}


def services():
    return {route: view for route, _, view in addresses() if route.startswith("rivta/")}


def endpoints():
    prefix = "api/v1/"
    return {route.removeprefix(prefix): view for route, _, view in addresses() if route.startswith(prefix)}


def test_every_page_stands_in_the_table():
    assert set(pages()) - ONLY_SUPPORT_SEES == set(PAGES)


def test_every_page_says_what_it_asks_for():
    """The decorator of each page is what the table says of its reading, or of its act where it only acts."""
    says = {name: getattr(view, "required_permission", ANYONE) for name, view in pages().items()}
    table = {name: ASKS_FURTHER.get(name, page.get or page.post) for name, page in PAGES.items()}
    assert says == table | dict.fromkeys(ONLY_SUPPORT_SEES, ANYONE)


def test_every_endpoint_stands_in_the_table_with_its_permissions():
    assert {route: view.required_permissions for route, view in endpoints().items()} == {
        route: permissions for route, (permissions, _) in ENDPOINTS.items()
    }
    others = {route for route, _, _ in addresses() if route.startswith("api/") and not route.startswith("api/v1/")}
    assert others == OPEN_ENDPOINTS


def test_every_service_stands_in_the_table_with_its_permission():
    assert {route: view.required_permission for route, view in services().items()} == SERVICES


def test_every_kind_of_row_in_the_administration_stands_in_the_table():
    """Patients, vårdhändelser and what hangs on them are not there: they are changed by their pages alone."""
    assert {model._meta.model_name: set(admin.permissions) for model, admin in site._registry.items()} == ADMINISTRATION


def test_every_permission_is_asked_for_somewhere_or_named_here():
    """A permission that nothing asks for gives nothing. Overbooking is asked inside booking."""
    asked = {needed for page in PAGES.values() for needed in page.methods.values()}
    asked |= {needed for permissions, _ in ENDPOINTS.values() for needed in permissions.values()}
    asked |= set().union(*ADMINISTRATION.values(), SERVICES.values())
    assert set(Permission) - asked == {P.OVERBOOK}


# --- Everybody asks for everything ----------------------------------------------------------------------------------


def clinic_with_everything(name, numbers):
    """A unit with one of each thing that an address names. Times: 09:00 on a Friday."""
    clinic = Clinic(name=name)
    things = SimpleNamespace(clinic=clinic, patient=clinic.patient(identity=next(numbers)))
    nurse, doctor = clinic.nurse_resource, clinic.doctor_resource
    things.phone = contact.add_phone(patient_id=things.patient.pk, number="070-174 06 05", by=clinic.nurse, at=NOW)
    things.address = contact.add_address(
        patient_id=things.patient.pk,
        kind=AddressKind.objects.get(name="Faktureringsadress"),
        street="Box 1",
        by=clinic.nurse,
        at=NOW,
    )
    things.commitment = clinic.commitment(things.patient)
    things.relation = relations.add_contact(patient_id=things.patient.pk, name="Berit Lund", by=clinic.nurse, at=NOW)
    things.booked = clinic.book(things.patient, NOW, resource=nurse)

    def arrived(number, resource):
        patient = clinic.patient(identity=next(numbers))
        clinic.commitment(patient)
        start = NOW - number * HALF_HOUR
        return clinic.arrived(patient, start, resource=resource)

    things.arrived = arrived(1, nurse)
    things.arrived_encounter = things.arrived.encounter
    things.checked_out_encounter = checked_out(clinic, arrived(2, nurse), "no_further_planning").encounter
    things.missing = things.checked_out_encounter.missingfollowups.get()
    ended = checked_out(clinic, arrived(48, nurse), "await_result", at=NOW - DAY).encounter
    things.awaited = ended.awaitedresults.get()
    clock.auto_discharge(at=NOW)
    things.ended_encounter = ended
    missed = clinic.patient(identity=next(numbers))
    clinic.commitment(missed)
    absent = clinic.book(missed, NOW - HALF_HOUR, resource=doctor, at=NOW - DAY)
    appointments.no_show(appointment_id=absent.pk, by=clinic.nurse, at=NOW)
    things.missed = absent.encounter.noshowitems.get()
    things.request = work_items.request_booking(
        patient_id=things.patient.pk,
        care_unit=clinic.unit,
        commitment_id=things.commitment.pk,
        visit_type=clinic.nurse_visit,
        contact_reason=clinic.reason,
        wished_from=NOW.date(),
        wished_to=NOW.date() + 14 * DAY,
        by=clinic.nurse,
        at=NOW,
    )
    things.nurse_resource = clinic.nurse_resource
    things.hours = clinic.nurse_resource.weekly_hours.first()
    things.extra = schedules.add_extra(
        resource_id=doctor.pk,
        day=NOW.date() + 30 * DAY,
        from_time=time(8),
        to_time=time(9),
        slot_minutes=30,
        by=clinic.nurse,
        at=NOW,
    )
    away = clinic.patient(identity=next(numbers))
    clinic.commitment(away)
    clinic.book(away, NOW + 40 * DAY, resource=doctor, visit_type=clinic.doctor_visit)
    things.absence = absences.register(
        care_unit=clinic.unit,
        resource_id=doctor.pk,
        kind="leave",
        start=NOW + 40 * DAY,
        end=NOW + 41 * DAY,
        by=clinic.nurse,
        at=NOW,
    )
    things.rebooking = things.absence.rebooking_items.get()
    things.offer = offers.make(
        subject="booking_request",
        row_id=things.request.pk,
        resource_id=nurse.pk,
        start=NOW + 10 * DAY,
        by=clinic.nurse,
        at=NOW,
    )
    things.invitation = invitations.invite(
        subject="booking_request",
        row_id=things.request.pk,
        last_day=NOW.date() + 14 * DAY,
        by=clinic.nurse,
        at=NOW,
    )
    things.freed = FreedTime.objects.create(
        care_unit=clinic.unit,
        resource=nurse,
        visit_type=clinic.nurse_visit,
        start=NOW + 9 * DAY,
        end=NOW + 9 * DAY + HALF_HOUR,
        cause="cancelled",
        freed_at=NOW,
    )
    things.session = sessions.plan(
        care_unit=clinic.unit,
        name="Astmaskola",
        visit_type=clinic.nurse_visit,
        contact_reason_id=clinic.reason.pk,
        start=NOW + 20 * DAY,
        end=NOW + 20 * DAY + HALF_HOUR,
        seats=8,
        resource_ids=[nurse.pk],
        by=clinic.nurse,
        at=NOW,
    )
    things.view = SavedView.objects.create(user=clinic.nurse, care_unit=clinic.unit, name="Försenade", is_shared=True)
    things.fault = ListFault.objects.create(
        care_unit=clinic.unit,
        patient_id=things.request.patient_id,
        kind="passed",
        booking_request=things.request,
        found_on=NOW.date(),
    )
    things.attempt = contact_attempts.record(
        subject="booking_request",
        row_id=things.request.pk,
        method="phone",
        result="no_answer",
        by=clinic.nurse,
        at=NOW,
    )
    dead = clinic.patient(identity=next(numbers))
    deceased.register(patient_id=dead.pk, deceased_on=NOW.date(), reason="Dödsbevis", by=clinic.doctor, at=NOW)
    things.letter = letters.write_to_relatives(
        patient_id=dead.pk,
        care_unit=clinic.unit,
        name="Karl Ek",
        address="Storgatan 1",
        heading="Till dig som är närstående",
        body="Vi beklagar sorgen.",
        reason="Tillhörigheter finns kvar",
        by=clinic.nurse,
        at=NOW,
    )
    leaflet = LetterAttachment.objects.create(name="Karta", pdf=b"%PDF-", sha256="0" * 64, source="Prov")
    things.enclosure = LetterEnclosure.objects.create(letter=things.letter, attachment=leaflet)
    things.merged = clinic.patient(identity=next(numbers))
    things.old = on_reserve_number(clinic.patient(identity=next(numbers)), f"SE{ord(name[0]):010d}")
    merges.do(things.old, things.merged, clinic)
    merges.undo(things.merged, clinic)
    merges.do(things.old, things.merged, clinic)
    letters.make_document(letter_id=things.letter.pk, render=lambda letter: b"%PDF-", by=clinic.nurse, at=NOW)
    things.undead = clinic.patient(identity=next(numbers))
    deceased.register(patient_id=things.undead.pk, deceased_on=NOW.date(), reason="Intyg", by=clinic.doctor, at=NOW)
    deceased.undo(patient_id=things.undead.pk, reason="Fel person", by=clinic.doctor, at=NOW)
    things.order = orders.place(
        patient_id=things.patient.pk,
        care_unit=clinic.unit,
        what="Blodstatus",
        planned_on=NOW.date(),
        by=clinic.doctor,
        at=NOW,
    )
    things.place = Place.objects.create(care_unit=clinic.unit, kind="bed", name="Säng 1")
    things.referral = referrals.register(
        patient_id=things.patient.pk,
        care_unit=clinic.unit,
        kind="R",
        arrival_date=NOW.date(),
        referrer="Vårdcentralen Öster",
        by=clinic.nurse,
        at=NOW,
    )
    things.hold = resource_bookings.hold(
        resource_id=doctor.pk, start=NOW + DAY, end=NOW + DAY + HALF_HOUR, by=clinic.nurse, at=NOW
    )
    # A delivery is a whole care provider's: the other unit's is another's.
    provider = clinic.provider
    if RegisterReporter.objects.exists():
        provider = CareProvider.objects.create(hsa_id="SE-P2", name="Andra regionen")
    reporter = RegisterReporter.objects.create(care_provider=provider, file_code="12")
    things.delivery = deliveries.deliver(reporter_id=reporter.pk, period=period_due(NOW.date()), by=None, at=NOW)
    things.delivery_file = things.delivery.files.first()
    return things


def checked_out(clinic, visit, outcome, at=NOW):
    reason = clinic.outcome_reason("await_result") if outcome == "await_result" else None
    return check_out.check_out(
        encounter_id=visit.encounter_id,
        outcome=outcome,
        reason=reason,
        accept_warnings=["UT-05"],
        by=clinic.nurse,
        at=at,
        registered_at=at,
    )


@pytest.fixture
def world(db, monkeypatch):
    """Two units with everything, and one person in each role at the first. What the menu counts is no permission, and
    would be counted on each of thousands of pages."""
    monkeypatch.setattr("sdv.desk.context.COUNTS", {})
    numbers = iter(personnummer())
    with time_machine.travel(NOW, tick=False):
        here, there = (clinic_with_everything(name, numbers) for name in ("Ortopedmottagningen", "Kirurgmottagningen"))
        users = {role: here.clinic.staff(role, username=f"prov-{role}") for role in Role}
        users[WITHOUT_ASSIGNMENT] = User.objects.create_user("nyanstalld", name="Nils Ny")
        sessions = {actor: session_of(user) for actor, user in users.items()} | {ANONYMOUS: None}
        keys = {actor: tokens.create(user=user) for actor, user in users.items()} | {ANONYMOUS: None}
        import_now(
            facts=ReleaseFacts("icd-10-se", "2026", date(2026, 1, 1), "övning"),
            files=[official_files.icd()],
            by=None,
            at=NOW,
        )
        yield SimpleNamespace(here=here, there=there, sessions=sessions, keys=keys)


def session_of(user):
    """The cookie of a session in which the user has logged in and chosen the only assignment."""
    client = Client()
    client.force_login(user)
    if assignment := user.assignments.first():
        session = client.session
        session["assignment"] = str(assignment.pk)
        session.save()
    return client.cookies


def asked(actor, world, method, path, body=None):
    """The answer to a request of the actor. What it did is undone."""
    client = Client()
    if world.sessions[actor]:
        client.cookies.update(world.sessions[actor])
    with transaction.atomic():
        answer = client.generic(method, path, body or b"", "application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    return answer


def may(actor, needed):
    """Whether the table of the product gives the actor what is needed."""
    if needed == ANYONE:
        return True
    if needed == LOGGED_IN:
        return actor != ANONYMOUS
    return actor in set(Role) and allowed(actor, needed)


def expected_of_page(actor, needed):
    """The kind of answer: "done" (whatever the form says), or how it is refused."""
    if may(actor, needed):
        return "done"
    return {ANONYMOUS: "to login", WITHOUT_ASSIGNMENT: "to choice of assignment"}.get(actor, "refused")


def kind_of_page(answer, needed):
    location = answer.headers.get("Location", "")
    if answer.status_code == HTTPStatus.FOUND and location.startswith(reverse("login")) and needed != ANYONE:
        return "to login"
    is_choice = location.startswith(reverse("choose-assignment"))
    if answer.status_code == HTTPStatus.FOUND and is_choice and needed not in (ANYONE, LOGGED_IN):
        return "to choice of assignment"
    if answer.status_code == HTTPStatus.FOUND and location == reverse("admin:index"):
        return "not here"
    if answer.status_code in (200, 204, 302, 303, 400, 409, 422):
        return "done"
    return {403: "refused", 404: "not here"}.get(answer.status_code, answer.status_code)


def path_of(name, things):
    """The page's address with the clinic's things in it: "=" marks a text as it stands, "?" what stands in the query."""
    named, query = {}, {}
    for key, thing in PAGES[name].things.items():
        value = thing[1:] if thing.startswith("=") else getattr(things, thing.removeprefix("?")).pk
        (query if thing.startswith("?") else named)[key] = value
    return reverse(name, kwargs=named) + (f"?{urlencode(query)}" if query else "")


def test_every_page_is_open_to_exactly_those_who_may(world):
    wrong = []
    for name, page in PAGES.items():
        path = path_of(name, world.here)
        for method, needed in page.methods.items():
            for actor in ACTORS:
                kind, expected = (
                    kind_of_page(asked(actor, world, method, path), needed),
                    expected_of_page(actor, needed),
                )
                if kind != expected:
                    wrong.append(f"{method} {name} som {actor}: {kind}, inte {expected}")
    assert not wrong, "\n".join(wrong)


def test_another_unit_s_things_are_not_there(world):
    """Least right by default: that a row of another unit exists is nobody's business. Patients are shared (PA-08)."""
    wrong = []
    for name, page in PAGES.items():
        shared = {"patient", "merged", "undead", "phone", "address", "relation"}
        own = {thing for thing in page.things.values() if not thing.startswith("=")} - shared
        if not own:
            continue
        path = path_of(name, world.there)
        for method, needed in page.methods.items():
            for actor in (role for role in Role if may(role, needed)):
                if (kind := kind_of_page(asked(actor, world, method, path), needed)) != "not here":
                    wrong.append(f"{method} {name} som {actor}: {kind}")
    assert not wrong, "\n".join(wrong)


def test_the_gallery_is_for_the_practice_environment_and_support(world):
    for actor in ACTORS:
        status = asked(actor, world, "GET", reverse("gallery")).status_code
        assert status == (HTTPStatus.OK if actor == Role.SUPPORT else HTTPStatus.NOT_FOUND), actor


# --- The API ----------------------------------------------------------------------------------------------------------


def called(actor, world, method, path):
    """The status that the actor's token gets for an empty call. What it did is undone."""
    headers = {"Authorization": f"Bearer {world.keys[actor]}"} if world.keys[actor] else {}
    body = b"" if method in ("GET", "DELETE") else json.dumps({}).encode()
    with transaction.atomic():
        answer = Client().generic(method, path, body, "application/json", headers=headers)
        transaction.set_rollback(True)
    return answer.status_code


UNKNOWN = SimpleNamespace(pk=UUID("01a1fd28-5767-7de2-9ff4-e87cae4c4a2a"))


def api_path(route, thing):
    for part, value in (
        ("<uuid:pk>", str(thing.pk) if thing else ""),
        ("<path:external_id>", "J1"),
        ("<str:system>", "icd-10-se"),
        ("<str:code>", "I10"),
        ("<uuid:row>", str(UNKNOWN.pk)),
    ):
        route = route.replace(part, value)
    return f"/api/v1/{route}"


def test_every_endpoint_is_open_to_exactly_those_who_may(world):
    """401 without a token, 403 without the permission, else an answer to what was sent."""
    wrong = []
    for route, (permissions, thing) in ENDPOINTS.items():
        path = api_path(route, thing and getattr(world.here, thing))
        for method, needed in permissions.items():
            for actor in ACTORS:
                status = called(actor, world, method, path)
                if actor == ANONYMOUS:
                    is_right = status == HTTPStatus.UNAUTHORIZED
                elif not may(actor, needed):
                    is_right = status == HTTPStatus.FORBIDDEN
                else:
                    # What is named in the path but is not there (a document, a code) is 404 also to those who may.
                    is_right = status in (200, 201, 204, 400, 409) or (
                        status == 404 and re.search("<(str|path):|<uuid:row>", route)
                    )
                if not is_right:
                    wrong.append(f"{method} {route} som {actor}: {status}")
    assert not wrong, "\n".join(wrong)


def test_another_unit_s_things_are_not_there_for_a_token_either(world):
    wrong = []
    for route, (permissions, thing) in ENDPOINTS.items():
        if thing in (None, "patient", "hold"):
            continue
        paths = api_path(route, getattr(world.there, thing)), api_path(route, UNKNOWN)
        for method, needed in permissions.items():
            for actor in (role for role in Role if may(role, needed)):
                # An empty body may be refused before anything is sought: then for what is nobody's in the same words.
                theirs, nobody_s = (called(actor, world, method, path) for path in paths)
                if theirs not in (400, 404) or theirs != nobody_s:
                    wrong.append(f"{method} {route} som {actor}: {theirs}, okänd {nobody_s}")
    assert not wrong, "\n".join(wrong)


def test_a_method_that_an_endpoint_does_not_name_is_not_there(world):
    wrong = []
    for route, (permissions, thing) in ENDPOINTS.items():
        path = api_path(route, thing and getattr(world.here, thing))
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(permissions):
            status = called(Role.INTEGRATION, world, method, path)
            if status != HTTPStatus.METHOD_NOT_ALLOWED:
                wrong.append(f"{method} {route}: {status}")
    assert not wrong, "\n".join(wrong)


def test_every_service_answers_exactly_those_who_may(world, settings):
    """401 without a key, 403 without the permission, else a fault of the contract: nothing was asked. A session is nobody,
    and only what is posted is answered."""
    settings.SDV_HSA_ID = "SE2321000255-SYS1"
    for route, needed in SERVICES.items():
        for actor in ACTORS:
            if actor == ANONYMOUS:
                expected = HTTPStatus.UNAUTHORIZED
            else:
                expected = HTTPStatus.INTERNAL_SERVER_ERROR if may(actor, needed) else HTTPStatus.FORBIDDEN
            assert called(actor, world, "POST", f"/{route}") == expected, actor
            assert asked(actor, world, "POST", f"/{route}").status_code == HTTPStatus.UNAUTHORIZED
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            assert called(Role.NATIONAL_SERVICES, world, method, f"/{route}") == HTTPStatus.METHOD_NOT_ALLOWED


def test_the_schema_is_open_and_holds_nothing_but_the_schema(world):
    for path in ("/api/schema/", "/api/docs/", "/api/docs/bokningar/"):
        assert asked(ANONYMOUS, world, "GET", path).status_code == HTTPStatus.OK
    assert asked(ANONYMOUS, world, "GET", "/api/v1/finns-inte/").status_code == HTTPStatus.NOT_FOUND


# --- The administration -----------------------------------------------------------------------------------------------


# On other addresses than the lists: those outside, and roles of which each has another door or none.
AT_EACH_DOOR = [ANONYMOUS, WITHOUT_ASSIGNMENT, Role.RECEPTIONIST, Role.COORDINATOR, Role.AUDITOR, Role.CATALOGUE_ADMIN]


def test_no_address_of_the_administration_is_open_to_those_who_may_not(world):
    wrong = []
    for route, name, _ in addresses():
        model = next((model for model in site._registry if name and name.startswith(f"{of(model)}_")), None)
        row = model.objects.values_list("pk", flat=True).first() if model else None
        path = "/" + route.replace("<path:object_id>", str(row))
        is_of_nothing = name is None or "<" in path or "(" in path or ("<path" in route and row is None)
        if not route.startswith("admin/") or is_of_nothing or path.startswith("/admin/r/"):
            continue
        needed = ADMINISTRATION[model._meta.model_name] if model else EVERY_DOOR
        for actor in AT_EACH_DOOR:
            if actor in set(Role) and any(allowed(actor, permission) for permission in needed):
                continue
            kind = kind_of_page(asked(actor, world, "GET", path), P.MAINTAIN_CATALOGUES)
            # A row that the actor's own rows do not hold is not there: back to the first page.
            if kind not in ("to login", "to choice of assignment", "refused", "not here"):
                wrong.append(f"{route} som {actor}: {kind}")
    assert not wrong, "\n".join(wrong)


def of(model):
    return f"{model._meta.app_label}_{model._meta.model_name}"


def test_the_lists_of_the_administration_are_open_to_exactly_those_who_may(world):
    wrong = []
    for model in site._registry:
        needed = ADMINISTRATION[model._meta.model_name]
        path = reverse(f"admin:{of(model)}_changelist")
        for role in Role:
            kind = kind_of_page(asked(role, world, "GET", path), P.MAINTAIN_CATALOGUES)
            expected = "done" if any(allowed(role, permission) for permission in needed) else "refused"
            if kind != expected:
                wrong.append(f"{path} som {role}: {kind}, inte {expected}")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_deleted_in_the_administration(world):
    """Nothing used is ever deleted: it gets an end date."""
    for model in site._registry:
        row = model.objects.first()
        if row is not None:
            path = reverse(f"admin:{of(model)}_delete", args=[row.pk])
            for role in (Role.CATALOGUE_ADMIN, Role.AUDITOR):
                assert asked(role, world, "POST", path).status_code == HTTPStatus.FORBIDDEN, path
                assert resolve(path)
