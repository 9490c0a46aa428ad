"""What a patient has told in 1177 and allowed care to see: told by the integration, read by all, edited by nobody (PA-05)."""

from rest_framework import serializers

from registration import presenters
from registration.actions import portal
from sdv.accounts.api.schema import operation
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Day, Fields, Flag, Text

from .patient_parts import TAG, Parts


class PortalContactAnswer(Answer):
    """What the patient has told in 1177; nothing where no consent is. Never used for SMS (PA-05)."""

    phone = serializers.CharField()
    email = serializers.CharField()
    prefers_digital = serializers.BooleanField(help_text="Patienten vill ha brev i första hand digitalt.")
    consented_on = serializers.DateField(allow_null=True)
    told_at = serializers.DateTimeField(allow_null=True)


class PortalContactBody(Fields):
    """What 1177 tells of a patient who has consented to care seeing it."""

    phone = Text(max_length=30, required=False, allow_blank=True)
    email = Text(max_length=254, required=False, allow_blank=True)
    prefers_digital = Flag(
        required=False, help_text="Brev i första hand digitalt. Utan fältet står patientens senaste val kvar."
    )
    consented_on = Day()


class PortalContact(Parts):
    """GET, PUT and DELETE patients/{id}/portal-contact/: DELETE where the consent is gone."""

    permissions = {
        "GET": Permission.VIEW_PATIENTS,
        "PUT": Permission.REPORT_FACTS,
        "DELETE": Permission.REPORT_FACTS,
    }

    @operation("patients_portal_contact", "Patientens uppgifter i 1177", tag=TAG, answer=PortalContactAnswer)
    def get(self, request, pk):
        patient = presenters.load(pk)
        self.log([patient.pk], "uppgifter i 1177", resource_id=patient.pk)
        return self.answer(_told(presenters.contact_details(patient)["portal"]))

    @operation(
        "patients_portal_contact_put",
        "Uppgifter ur 1177, med patientens samtycke",
        tag=TAG,
        body=PortalContactBody,
        answer=PortalContactAnswer,
        conflicts=True,
    )
    def put(self, request, pk):
        body = self.body(PortalContactBody)
        row = portal.told(patient_id=pk, by=self.actor.user, at=self.at, **body)
        self.log([row.patient_id], "uppgifter i 1177", resource_id=row.patient_id)
        return self.answer(_told(row))

    @operation("patients_portal_contact_delete", "Samtycket finns inte längre", tag=TAG, status=204, conflicts=True)
    def delete(self, request, pk):
        patient = presenters.load(pk)
        portal.withdrawn(patient_id=patient.pk, by=self.actor.user, at=self.at)
        self.log([patient.pk], "uppgifter i 1177", resource_id=patient.pk)
        return self.answer(None, status=204)


def _told(row):
    return {
        "phone": row.phone if row else "",
        "email": row.email if row else "",
        "prefers_digital": bool(row and row.prefers_digital),
        "consented_on": day(row.consented_on) if row else None,
        "told_at": moment(row.told_at) if row else None,
    }
