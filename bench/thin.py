"""The yardstick: Django views without checks, log or presenter, one query each. Only for the benchmark."""

import json

from django.db import connection
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from registration.models import Encounter, Patient, PatientIdentity
from scheduling.models import Appointment


@csrf_exempt
def number(request):
    value = json.loads(request.body)["identity"]
    row = PatientIdentity.objects.select_related("patient").get(value=value)
    return JsonResponse({"id": str(row.patient_id), "surname": row.patient.surname, "identity": row.value})


@csrf_exempt
def name(request):
    word = json.loads(request.body)["name"]
    rows = (
        Patient.objects.filter(search_name__contains=f" {word}")
        .order_by("sort_key", "id")
        .values_list("id", "surname", "given_name", "birth_date")[:20]
    )
    return JsonResponse({"results": [list(map(str, row)) for row in rows]})


def day(request):
    rows = (
        Appointment.objects.filter(
            care_unit=request.GET["care_unit"], start__gte=request.GET["from"], start__lt=request.GET["to"]
        )
        .order_by("start", "id")
        .values_list("id", "start", "status", "patient__surname", "patient__given_name", "encounter__type__name")
    )
    return JsonResponse({"results": [list(map(str, row)) for row in rows]})


@csrf_exempt
def appointment(request):
    """One INSERT of one appointment row, committed, into a table like the product's with its indexes and triggers but
    without foreign keys (the row's encounter does not exist)."""
    body = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO bench_appointment (id, version, status, start, "end", kind, is_overbooked, overlap_reason,
               cancelled_by, cancel_reason, care_unit_id, encounter_id, patient_id)
               VALUES (uuidv7(), 1, 'booked', %s, %s, 'individual', false, '', '', '', %s, uuidv7(), %s)""",
            [body["start"], body["end"], body["care_unit"], body["patient"]],
        )
    return JsonResponse({}, status=201)


def encounter(request, pk):
    row = Encounter.objects.values_list("id", "number", "status", "start", "type__name").get(pk=pk)
    return JsonResponse({"encounter": list(map(str, row))})
