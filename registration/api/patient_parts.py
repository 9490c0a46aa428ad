"""Parts of a patient: identities, phones, addresses, search keys (PA-01, PA-05…07). What is shown comes from
registration.presenters alone (SK-02)."""

from rest_framework import serializers

from registration import phones, presenters
from registration.actions import contact
from registration.models import AddressKind, Patient, PhoneKind, SearchKeyKind, SmsWording
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import Coded, operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.answers import day, moment
from sdv.common.api_fields import Answer, Choice, Day, Fields, Flag, Text
from sdv.common.errors import InputError

TAG = "Patienter"


class Parts(Endpoint):
    """A part of the patient: a short list, read whole."""

    permissions = {"GET": Permission.VIEW_PATIENTS, "POST": Permission.EDIT_PATIENTS}

    def parts(self, pk, what, rows):
        patient = presenters.load(pk)
        self.log([patient.pk], what, resource_id=patient.pk)
        return self.answer({"results": rows(patient), "next": None, "previous": None})

    def written(self, pk, what):
        """Logs the change and answers the patient's new version as the ETag's source."""
        self.log([pk], what, resource_id=pk)
        return Patient.objects.values_list("version", flat=True).get(pk=pk)

    @property
    def who(self):
        return {"by": self.actor.user, "at": self.at, "version": self.version}


class OnePart(Parts):
    """A row of a part, changed or taken away."""

    permissions = {"PATCH": Permission.EDIT_PATIENTS, "DELETE": Permission.EDIT_PATIENTS}


# --- Identities -------------------------------------------------------------------------------------------------------


class IdentityAnswer(Answer):
    """An identity of the patient (PA-01, PA-03), with what the register says of a samordningsnummer."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    identity = serializers.CharField()
    is_primary = serializers.BooleanField()
    source = serializers.CharField()
    valid_to = serializers.DateField(allow_null=True)
    level = serializers.CharField()
    level_on = serializers.DateField(allow_null=True)
    register_status = serializers.CharField()
    register_status_cause = serializers.CharField()


class Identities(Parts):
    """GET patients/{id}/identities/."""

    permissions = {"GET": Permission.VIEW_PATIENTS}

    @operation("patients_identities", "Patientens identiteter", tag=TAG, answer=page_of("IdentityPage", IdentityAnswer))
    def get(self, request, pk):
        return self.parts(pk, "identiteter", _identities)


def _identities(patient):
    def safe(value):
        return "" if patient.is_protected else value

    return [
        {
            "id": str(row.pk),
            "kind": row.kind,
            "identity": presenters.identities.display(row.kind, row.value),
            "is_primary": row.is_primary,
            "source": row.source,
            "valid_to": day(row.valid_to),
            "level": safe(row.level),
            "level_on": None if patient.is_protected else day(row.level_on),
            "register_status": safe(row.register_status),
            "register_status_cause": safe(row.register_status_cause),
        }
        for row in presenters.identities_of(patient)
        if row.is_primary or not patient.is_protected
    ]


# --- Phones -----------------------------------------------------------------------------------------------------------


class PhoneAnswer(Answer):
    """A phone number of the patient (PA-06). `number` is E.164, `text` as people write it."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    text = serializers.CharField()
    kind = serializers.CharField()
    is_preferred = serializers.BooleanField()
    allows_sms = serializers.BooleanField()
    sms_consent_at = serializers.DateTimeField(allow_null=True)
    sms_wording = serializers.ChoiceField(choices=SmsWording.values)


class NewPhoneBody(Fields):
    """A phone number."""

    number = Text(max_length=30)
    kind = Choice(choices=PhoneKind.values, required=False)
    is_preferred = Flag(required=False)
    allows_sms = Flag(required=False, help_text="Patienten tillåter SMS till numret; bara mobil.")
    sms_wording = Choice(choices=SmsWording.values, required=False, help_text="Vad ett SMS får säga (PL-18).")


class PhoneBody(NewPhoneBody):
    """What is changed of a number. Another number has no consent until the patient gives it."""

    number = Text(max_length=30, required=False)


def _phone(row):
    return {
        "id": str(row.pk),
        "number": row.number,
        "text": phones.display(row.number),
        "kind": row.kind,
        "is_preferred": row.is_preferred,
        "allows_sms": row.sms_consent_at is not None,
        "sms_consent_at": moment(row.sms_consent_at),
        "sms_wording": row.sms_wording,
    }


class Phones(Parts):
    """GET and POST patients/{id}/phones/."""

    @operation("patients_phones", "Patientens telefonnummer", tag=TAG, answer=page_of("PhonePage", PhoneAnswer))
    def get(self, request, pk):
        rows = lambda patient: [_phone(row) for row in presenters.contact_details(patient)["phones"]]  # noqa: E731
        return self.parts(pk, "telefonnummer", rows)

    @operation(
        "patients_phones_create",
        "Lägg till ett telefonnummer",
        tag=TAG,
        body=NewPhoneBody,
        answer=PhoneAnswer,
        status=201,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        phone = contact.add_phone(patient_id=pk, **self.body(NewPhoneBody), **self.who)
        return self.answer(_phone(phone), status=201, version=self.written(pk, "telefon tillagd"))


class OnePhone(OnePart):
    """PATCH and DELETE patients/{id}/phones/{row}/."""

    @operation(
        "patients_phones_edit",
        "Ändra ett telefonnummer",
        tag=TAG,
        body=PhoneBody,
        answer=PhoneAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk, row):
        phone = contact.change_phone(patient_id=pk, phone_id=row, **self.body(PhoneBody), **self.who)
        return self.answer(_phone(phone), version=self.written(pk, "telefon ändrad"))

    @operation(
        "patients_phones_delete", "Ta bort ett telefonnummer", tag=TAG, status=204, is_versioned=True, conflicts=True
    )
    def delete(self, request, pk, row):
        contact.remove_phone(patient_id=pk, phone_id=row, **self.who)
        self.written(pk, "telefon borttagen")
        return self.answer(None, status=204)


# --- Addresses --------------------------------------------------------------------------------------------------------


class AddressAnswer(Answer):
    """An address of the patient (PA-07)."""

    id = serializers.UUIDField()
    kind = Coded()
    is_locked = serializers.BooleanField()
    care_of = serializers.CharField()
    street = serializers.CharField()
    postal_code = serializers.CharField()
    town = serializers.CharField()
    country = serializers.CharField()
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)
    source = serializers.CharField()


class AddressBody(Fields):
    """What is changed of an address that care keeps; text is kept as it is typed (PL-16)."""

    care_of = Text(max_length=80, allow_blank=True, required=False)
    street = Text(max_length=120, required=False)
    postal_code = Text(max_length=12, allow_blank=True, required=False)
    town = Text(max_length=80, allow_blank=True, required=False)
    country = Text(max_length=60, allow_blank=True, required=False)
    valid_from = Day(required=False, allow_null=True)
    valid_to = Day(required=False, allow_null=True)


class NewAddressBody(AddressBody):
    """An address of a kind that is not told by the register."""

    kind = Text(max_length=120, help_text="Adresstypens kod, till exempel tillfallig-adress.")
    street = Text(max_length=120)


def _address(row):
    return {
        "id": str(row.pk),
        "kind": {"code": row.kind.code, "text": row.kind.name},
        "is_locked": row.kind.is_locked,
        **{name: getattr(row, name) for name in ("care_of", "street", "postal_code", "town", "country")},
        "valid_from": day(row.valid_from),
        "valid_to": day(row.valid_to),
        "source": row.source,
    }


class Addresses(Parts):
    """GET and POST patients/{id}/addresses/."""

    @operation("patients_addresses", "Patientens adresser", tag=TAG, answer=page_of("AddressPage", AddressAnswer))
    def get(self, request, pk):
        rows = lambda patient: [_address(row) for row in presenters.contact_details(patient)["addresses"]]  # noqa: E731
        return self.parts(pk, "adresser", rows)

    @operation(
        "patients_addresses_create",
        "Lägg till en adress",
        tag=TAG,
        body=NewAddressBody,
        answer=AddressAnswer,
        status=201,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        asked = self.body(NewAddressBody)
        asked["kind"] = AddressKind.objects.filter(code=asked["kind"]).first()
        if asked["kind"] is None:
            raise InputError(kind="Okänd adresstyp.")
        address = contact.add_address(patient_id=pk, **asked, **self.who)
        return self.answer(_address(address), status=201, version=self.written(pk, "adress tillagd"))


class OneAddress(OnePart):
    """PATCH and DELETE patients/{id}/addresses/{row}/."""

    @operation(
        "patients_addresses_edit",
        "Ändra en adress",
        tag=TAG,
        body=AddressBody,
        answer=AddressAnswer,
        is_versioned=True,
        conflicts=True,
    )
    def patch(self, request, pk, row):
        address = contact.change_address(patient_id=pk, address_id=row, **self.body(AddressBody), **self.who)
        return self.answer(_address(address), version=self.written(pk, "adress ändrad"))

    @operation("patients_addresses_delete", "Ta bort en adress", tag=TAG, status=204, is_versioned=True, conflicts=True)
    def delete(self, request, pk, row):
        contact.remove_address(patient_id=pk, address_id=row, **self.who)
        self.written(pk, "adress borttagen")
        return self.answer(None, status=204)


# --- Search keys ------------------------------------------------------------------------------------------------------


class SearchKeyAnswer(Answer):
    """An LMA or passport number that the patient is found by (RI-01)."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    value = serializers.CharField()
    country = serializers.CharField()


class SearchKeyBody(Fields):
    """A number of a card or a passport."""

    kind = Choice(choices=SearchKeyKind.values)
    value = Text(max_length=30)
    country = Text(max_length=60, allow_blank=True, required=False)


def _search_key(row):
    return {"id": str(row.pk), "kind": row.kind, "value": row.value, "country": row.country}


class SearchKeys(Parts):
    """GET and POST patients/{id}/search-keys/."""

    @operation("patients_search_keys", "LMA- och passnummer", tag=TAG, answer=page_of("SearchKeyPage", SearchKeyAnswer))
    def get(self, request, pk):
        rows = lambda patient: [_search_key(row) for row in presenters.contact_details(patient)["search_keys"]]  # noqa: E731
        return self.parts(pk, "söknycklar", rows)

    @operation(
        "patients_search_keys_create",
        "Lägg till ett LMA- eller passnummer",
        tag=TAG,
        body=SearchKeyBody,
        answer=SearchKeyAnswer,
        status=201,
        is_post=True,
        is_versioned=True,
    )
    def post(self, request, pk):
        key = contact.add_search_key(patient_id=pk, **self.body(SearchKeyBody), **self.who)
        return self.answer(_search_key(key), status=201, version=self.written(pk, "söknyckel tillagd"))


class OneSearchKey(OnePart):
    """DELETE patients/{id}/search-keys/{row}/."""

    permissions = {"DELETE": Permission.EDIT_PATIENTS}

    @operation(
        "patients_search_keys_delete", "Ta bort ett nummer", tag=TAG, status=204, is_versioned=True, conflicts=True
    )
    def delete(self, request, pk, row):
        contact.remove_search_key(patient_id=pk, key_id=row, **self.who)
        self.written(pk, "söknyckel borttagen")
        return self.answer(None, status=204)
