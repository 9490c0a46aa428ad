"""What may happen to an encounter (vårdhändelse), by type and status (VH-15, VH-16, VH-24), and when (VH-05, VH-11,
VH-17). Pure: no database, no request, no clock. A type is any object with the fields of vardhandelsetyper.csv."""

from datetime import timedelta

from django.db.models import TextChoices

from sdv.common.errors import RuleError
from sdv.common.time import elapsed, end_of_day, local_date, start_of_day

DAY = timedelta(hours=24)
UNDO_TIME = timedelta(minutes=5)


class Status(TextChoices):
    """How far an encounter has come."""

    PLANNED = "planned", "Planerad"
    IN_PROGRESS = "in_progress", "Pågående"
    CHECKED_OUT = "checked_out", "Utcheckad"
    ENDED = "ended", "Avslutad"


class Move(TextChoices):
    """What can happen to an encounter."""

    CREATE = "create", "Skapande"
    REVEAL = "reveal", "Visning i översikten"
    HIDE = "hide", "Döljande i översikten"
    RESCHEDULE = "reschedule", "Ombokning"
    ARRIVE = "arrive", "Ankomstregistrering"
    UNDO_ARRIVAL = "undo_arrival", "Ångrad ankomst"
    NO_SHOW = "no_show", "Registrering som utebliven"
    UNDO_NO_SHOW = "undo_no_show", "Ångrad utebliven"
    CHECK_OUT = "check_out", "Utcheckning"
    UNDO_CHECK_OUT = "undo_check_out", "Ångrad utcheckning"
    DISCHARGE = "discharge", "Utskrivning"
    ANNUL = "annul", "Annullering"
    CANCEL = "cancel", "Avbokning"
    UNDO_CANCEL = "undo_cancel", "Ångrad avbokning"
    REOPEN = "reopen", "Öppning"
    CHANGE_TYPE = "change_type", "Byte av typ"
    ASSESS = "assess", "Läkarbedömning"
    PLACE = "place", "Platstilldelning"
    TRANSFER = "transfer", "Överflyttning"
    LEAVE = "leave", "Permission"
    RETURN = "return", "Åter från permission"
    COMPLETE = "complete", "Komplettering"
    PARTICIPANTS = "participants", "Ändring av medverkande"
    INTERPRETER = "interpreter", "Ändring av tolk"
    BIRTH_TIME = "birth_time", "Rättad födelsetid"


class CheckOut(TextChoices):
    """How a type is checked out (VH-15)."""

    AUTOMATIC = "automatic", "automatisk"
    MANUAL = "manual", "manuell"
    NOT_APPLICABLE = "not_applicable", "ej tillämpbar"


class Discharge(TextChoices):
    """How a type is discharged (VH-16)."""

    AUTOMATIC = "automatic", "automatisk"
    MANUAL = "manual", "manuell"
    CONVERTED_OR_MANUAL = "converted_or_manual", "omvandlas eller manuell"
    NOT_APPLICABLE = "not_applicable", "ej tillämpbar"


# Codes of the types that the rules name; the whole table is registration/data/vardhandelsetyper.csv.
HIDDEN = "dold-forhandsregistrerad-oppenvardskontakt"
VISIBLE = "forhandsregistrerad-oppenvardskontakt"
DIAGNOSTIC_BOOKED = "forhandsregistrerad-diagnostisk-kontakt"
ADMISSION_BOOKED = "forhandsregistrerad-inskrivning"
PRE_REGISTRATIONS = (HIDDEN, VISIBLE, DIAGNOSTIC_BOOKED, ADMISSION_BOOKED)
NO_SHOW_TYPE = "utebliven-bokad-kontakt"
ANNULLED = "annullerad"
ADMIN = "admin"
FOETUS = "foster"
NEWBORN = "nyfodd"
HISTORICAL = "historisk"
PRIMARY_CARE = "primarvard"
SPECIALISED = "specialiserad-oppenvard"
SPECIALISED_WITH_PLACE = "specialiserad-oppenvard-rum-sang-stol"
EMERGENCY = "akutsjukvard"
INPATIENT = "slutenvard"
OBSERVATION = "observation"
CONTACT_WITHOUT_VISIT = "kontakt-utan-besok"
DIAGNOSTICS = "diagnostik"
CONSULT = "oppenvardskonsult"
ONGOING_TREATMENT = "klinisk-lm-pagaende-specialiserad-oppenvard"

# VH-20: ended, but neither coded, sent nor counted as a contact.
NOT_REPORTED = (ANNULLED, NO_SHOW_TYPE, ADMIN, FOETUS, HISTORICAL, *PRE_REGISTRATIONS)

# DI-07: contact between staff about a patient (Encounter.contact_form) is no vårdkontakt.
AMONG_STAFF = "staff"

# VH-09: these hold a bed, a chair, or a room that has neither, while they go on.
HOLDS_A_PLACE = (SPECIALISED_WITH_PLACE, INPATIENT, OBSERVATION, NEWBORN)

# VH-09: who lies in one of these lies nowhere else; who waits at an emergency department waits there once.
LIES = (INPATIENT, OBSERVATION, NEWBORN)
ONCE_AT_A_TIME = (EMERGENCY, *LIES)

# These are at a ward of their unit and may be moved between its wards.
AT_A_WARD = (INPATIENT, NEWBORN)

# Nobody meets the patient there, so nobody takes part (BO-02).
NOBODY_IS_MET = (NO_SHOW_TYPE, ADMIN)

# Care that another speciality can be engaged by (VH-10), and that can go on in a new vårdhändelse: a newborn who is ill
# is admitted.
ENGAGES_CONSULTS = (EMERGENCY, OBSERVATION, INPATIENT, NEWBORN)

# Move: the statuses it starts from, and the status it leads to (None: stays as it is, or follows from the facts).
MOVES = {
    Move.REVEAL: ({Status.PLANNED}, Status.PLANNED),
    Move.HIDE: ({Status.PLANNED}, Status.PLANNED),
    Move.RESCHEDULE: ({Status.PLANNED}, Status.PLANNED),
    Move.ARRIVE: ({Status.PLANNED}, Status.IN_PROGRESS),
    Move.UNDO_ARRIVAL: ({Status.IN_PROGRESS}, Status.PLANNED),
    Move.NO_SHOW: ({Status.PLANNED}, Status.PLANNED),
    Move.UNDO_NO_SHOW: ({Status.PLANNED, Status.ENDED}, Status.PLANNED),
    Move.CHECK_OUT: ({Status.IN_PROGRESS}, Status.CHECKED_OUT),
    Move.UNDO_CHECK_OUT: ({Status.CHECKED_OUT}, Status.IN_PROGRESS),
    Move.DISCHARGE: ({Status.PLANNED, Status.IN_PROGRESS, Status.CHECKED_OUT}, Status.ENDED),
    Move.ANNUL: ({Status.PLANNED, Status.IN_PROGRESS, Status.CHECKED_OUT}, Status.ENDED),
    Move.CANCEL: ({Status.PLANNED}, Status.ENDED),
    Move.UNDO_CANCEL: ({Status.PLANNED, Status.ENDED}, Status.PLANNED),
    Move.REOPEN: ({Status.ENDED}, None),
    Move.CHANGE_TYPE: ({Status.PLANNED, Status.IN_PROGRESS, Status.CHECKED_OUT}, None),
    Move.ASSESS: ({Status.IN_PROGRESS}, None),
    Move.PLACE: ({Status.IN_PROGRESS, Status.CHECKED_OUT}, None),
    Move.TRANSFER: ({Status.IN_PROGRESS}, None),
    Move.LEAVE: ({Status.IN_PROGRESS}, None),
    Move.RETURN: ({Status.IN_PROGRESS}, None),
    Move.COMPLETE: (set(Status), None),
    Move.PARTICIPANTS: ({Status.IN_PROGRESS, Status.CHECKED_OUT, Status.ENDED}, None),
    Move.INTERPRETER: ({Status.IN_PROGRESS, Status.CHECKED_OUT, Status.ENDED}, None),
    Move.BIRTH_TIME: ({Status.IN_PROGRESS, Status.ENDED}, None),
}

# Changes of type that a person may make; every other change of type follows from a move (VH-13, VH-24).
CHANGES_OF_TYPE = {
    (FOETUS, NEWBORN): "VH-13",
    (SPECIALISED, SPECIALISED_WITH_PLACE): "VH-07",
    (SPECIALISED_WITH_PLACE, SPECIALISED): "VH-07",
}

_INSTEAD = {
    (Move.ARRIVE, Status.IN_PROGRESS): "Ankomsten är redan registrerad.",
    (Move.ARRIVE, Status.CHECKED_OUT): "Besöket är redan utcheckat.",
    (Move.ARRIVE, Status.ENDED): "Öppna vårdhändelsen först om den avslutats av misstag.",
    (Move.CHECK_OUT, Status.PLANNED): "Registrera ankomsten först.",
    (Move.CHECK_OUT, Status.CHECKED_OUT): "Ångra utcheckningen först om utfallet ska ändras.",
    (Move.CHECK_OUT, Status.ENDED): "Öppna vårdhändelsen först om utfallet ska ändras.",
    (Move.NO_SHOW, Status.IN_PROGRESS): "Ångra ankomsten först om patienten inte kom.",
    (Move.CANCEL, Status.IN_PROGRESS): "Patienten har kommit; ångra ankomsten först.",
    (Move.RESCHEDULE, Status.IN_PROGRESS): "Patienten har kommit; boka en ny tid i stället.",
    (Move.UNDO_ARRIVAL, Status.CHECKED_OUT): "Ångra utcheckningen först.",
    (Move.UNDO_ARRIVAL, Status.ENDED): "Öppna vårdhändelsen först.",
    (Move.UNDO_CHECK_OUT, Status.ENDED): "Öppna vårdhändelsen först.",
    (Move.ANNUL, Status.ENDED): "Öppna vårdhändelsen först.",
    (Move.DISCHARGE, Status.ENDED): "Den är redan avslutad.",
    (Move.CHANGE_TYPE, Status.ENDED): "Öppna vårdhändelsen först.",
    (Move.PARTICIPANTS, Status.PLANNED): "Till dess är det de bokade som medverkar: omboka i stället.",
    (Move.INTERPRETER, Status.PLANNED): "Ange om tolk användes när patienten har kommit.",
}


_INSTEAD_OF_CHECK_OUT = {
    Discharge.MANUAL: "Skriv ut den i stället.",
    Discharge.AUTOMATIC: "Den avslutas av sig själv kl. 23.59.",
    Discharge.CONVERTED_OR_MANUAL: "Registrera ankomsten först.",
    Discharge.NOT_APPLICABLE: "Typen ligger kvar tills den ändras eller annulleras.",
}


def refusal(encounter_type, status, move, *, is_reopened=False):
    """Why the move may not be made, or None. `is_reopened`: ended once and opened again for correction (PL-13)."""
    status, move = Status(status), Move(move)
    sources, _ = MOVES[move]
    name, code = encounter_type.name, encounter_type.code
    if refused := read_only_refusal(code):
        return refused
    if move == Move.PLACE:
        return place_refusal(encounter_type, status)
    if status not in sources:
        allowed = " eller ".join(source.label.lower() for source in Status if source in sources)
        instead = _INSTEAD.get((move, status), "Läs in sidan igen för att se aktuellt läge.")
        return RuleError(
            "VH-24",
            f"{move.label} går bara när vårdhändelsen är {allowed}; den är {status.label.lower()}. {instead}",
            code="wrong_status",
        )
    return _refused_by_type(encounter_type, status, move, name, code, is_reopened)


def read_only_refusal(type_code):
    """VH-14: nobody changes what the migration brought, nor what hangs on it. Or None."""
    if type_code == HISTORICAL:
        return RuleError("VH-14", "Historisk skapas bara av den maskinella migreringen och kan inte ändras.")
    return None


def facts_refusal(type_code, what):
    """Why another system can tell nothing of the kind about the vårdhändelse, or None (VH-12, VH-14)."""
    if type_code == ANNULLED:
        return RuleError("VH-12", f"Vårdhändelsen är annullerad och kan inte få {what}.")
    return read_only_refusal(type_code)


def _refused_by_type(encounter_type, status, move, name, code, is_reopened):
    if code == ANNULLED and move != Move.UNDO_CANCEL:
        return RuleError("VH-12", "En annullerad vårdhändelse kan inte ändras. Skapa en ny i stället.")
    if move in (Move.ARRIVE, Move.NO_SHOW, Move.RESCHEDULE, Move.CANCEL) and not encounter_type.is_pre_registration:
        return RuleError("VH-07", f"{move.label} gäller bokade kontakter; den här är {name}. Boka en ny tid i stället.")
    if move == Move.NO_SHOW and code == ADMISSION_BOOKED:
        return RuleError("VH-11", "Utebliven gäller bokade besök. Avsluta den planerade inskrivningen i stället.")
    if move == Move.UNDO_CANCEL and code not in (ANNULLED, NO_SHOW_TYPE, *PRE_REGISTRATIONS):
        return RuleError("VH-24", f"Bara en avbokad kontakt kan få tillbaka sin bokning; den här är {name}.")
    if move == Move.UNDO_NO_SHOW and code != NO_SHOW_TYPE:
        return RuleError("VH-24", f"Bara en utebliven kontakt kan återställas; den här är {name}.")
    if move == Move.REVEAL and code != HIDDEN:
        return RuleError("VH-05", f"Bara en dold förhandsregistrering görs synlig; den här är {name}.")
    if move == Move.HIDE and code != VISIBLE:
        return RuleError("VH-05", f"Bara en förhandsregistrerad öppenvårdskontakt döljs; den här är {name}.")
    if move == Move.CHECK_OUT and encounter_type.check_out == CheckOut.NOT_APPLICABLE:
        return RuleError("VH-15", f"{name} checkas inte ut. {_INSTEAD_OF_CHECK_OUT[encounter_type.discharge]}")
    if move == Move.DISCHARGE:
        return _refused_discharge(encounter_type, status, name, is_reopened)
    if move == Move.ASSESS and code != EMERGENCY:
        return RuleError("VH-03", f"Läkarbedömningens tid registreras på akutbesök; den här är {name}.")
    if move == Move.TRANSFER and code not in AT_A_WARD:
        return RuleError("VH-09", f"{name} ligger inte på en avdelning och flyttas inte. Skriv in patienten först.")
    if move in (Move.LEAVE, Move.RETURN) and code != INPATIENT:
        return RuleError("VH-09", f"Permission gäller slutenvård; den här är {name}. Skriv ut patienten i stället.")
    if move == Move.COMPLETE and code not in (INPATIENT, ADMISSION_BOOKED, EMERGENCY, OBSERVATION):
        return RuleError("VH-23", f"Insätt, utsätt och planerat registreras inte på {name}.")
    if move == Move.PARTICIPANTS and (encounter_type.is_pre_registration or code in NOBODY_IS_MET):
        return RuleError("BO-02", f"Ingen medverkar i {name}: det har inte varit någon kontakt.")
    if move == Move.INTERPRETER and (encounter_type.is_pre_registration or code in NOBODY_IS_MET):
        return RuleError("KL-04", f"Ingen tolk används i {name}: det har inte varit någon kontakt.")
    if move == Move.BIRTH_TIME and code != NEWBORN:
        return RuleError("VH-13", f"Födelsetiden rättas på en Nyfödd; den här är {name}.")
    if move == Move.REOPEN and (encounter_type.is_pre_registration or code == NO_SHOW_TYPE):
        return RuleError("PL-13", f"{name} öppnas inte igen. Boka en ny tid, eller ångra utebliven.")
    return None


def _refused_discharge(encounter_type, status, name, is_reopened):
    kind = encounter_type.discharge
    if kind == Discharge.NOT_APPLICABLE:
        return RuleError("VH-16", f"{name} skrivs inte ut: typen har inget slut.")
    if kind == Discharge.AUTOMATIC and not is_reopened:
        return RuleError("VH-16", f"{name} skrivs ut av sig själv kl. 23.59 den dag kontakten ägde rum.")
    if encounter_type.check_out == CheckOut.MANUAL and status == Status.IN_PROGRESS:
        return RuleError("VH-15", f"{name} ska checkas ut innan den skrivs ut. Checka ut besöket först.")
    return None


def is_reported(type_code, contact_form=""):
    """VH-20, DI-07: whether an end is coded, sent and counted as a contact."""
    return type_code not in NOT_REPORTED and contact_form != AMONG_STAFF


def status_after_reopening(checked_out_at):
    """The status an ended encounter returns to: what it had before its end."""
    return Status.CHECKED_OUT if checked_out_at else Status.IN_PROGRESS


def type_change_refusal(encounter_type, new_type):
    """Why a person may not change the type, or None (VH-24)."""
    if (encounter_type.code, new_type.code) in CHANGES_OF_TYPE:
        return None
    if new_type.code == HISTORICAL:
        return RuleError("VH-14", "Historisk skapas bara av den maskinella migreringen.")
    if new_type.code == ANNULLED:
        return RuleError("VH-12", "Använd Annullera: då prövas om journal eller kassa står i vägen.")
    if encounter_type.code == new_type.code:
        return RuleError("VH-24", f"Vårdhändelsen är redan {new_type.name}.")
    if encounter_type.is_pre_registration:
        return RuleError(
            "VH-07", "En förhandsregistrering omvandlas när ankomsten registreras. Registrera ankomst i stället."
        )
    return RuleError(
        "VH-24",
        f"{encounter_type.name} kan inte bli {new_type.name}: typen följer av enhet, besökstyp och händelse."
        " Annullera om den skapats fel, och registrera den rätta kontakten.",
    )


def birth_refusal(new_type_code):
    """VH-13: a child is born at a time, which a bare change of type does not tell. Or None."""
    if new_type_code == NEWBORN:
        return RuleError(
            "VH-13", "Registrera födelsen i stället: den ger Nyfödd med födelsetid och kön.", code="tell_birth"
        )
    return None


def annulment_refusal(*, has_documentation, has_cash, has_children=False):
    """VH-12, VH-13: what stands in the way of annulling, or None. A transaction reversed in full does not, nor a child
    whose own vårdhändelse is annulled."""
    if has_children:
        return RuleError(
            "VH-13",
            "Vårdhändelsen kan inte annulleras: ett foster eller nyfött barn hör till den. Annullera barnets vårdhändelse"
            " först, om den också skapats av misstag.",
            code="has_children",
        )
    if has_documentation and has_cash:
        what, instead = "journaldokumentation och kassatransaktioner", "Flytta journalen och återför kassan först."
    elif has_documentation:
        what, instead = "journaldokumentation", "Flytta eller makulera anteckningen i journalen först."
    elif has_cash:
        what, instead = "kassatransaktioner", "Återför transaktionen i kassan först."
    else:
        return None
    return RuleError("VH-12", f"Vårdhändelsen kan inte annulleras: den har {what}. {instead}", code="not_empty")


def commitment_refusal(encounter_type, commitment):
    """VH-08: the type requires an open vårdåtagande of the patient at the unit, or None. Of several one is named."""
    if encounter_type.requires_commitment and commitment is None:
        return RuleError(
            "VH-08",
            f"{encounter_type.name} kräver ett öppet vårdåtagande på enheten, och inget är valt. Har patienten flera: välj ett."
            " Har patienten inget: ta emot en remiss eller egen vårdbegäran först.",
            code="missing_commitment",
        )
    return None


def going_on_refusal(encounter_type, status):
    """VH-01, VH-10: why nothing can follow out of the care while it goes on — a ward, observation, a consult — or None."""
    name = encounter_type.name
    if encounter_type.code not in ENGAGES_CONSULTS:
        return RuleError(
            "VH-01", f"{name} fortsätter inte i en annan vårdhändelse. Registrera den nya kontakten för sig."
        )
    if status != Status.IN_PROGRESS:
        return RuleError(
            "VH-24",
            f"Det går bara medan vården pågår; {name} är {Status(status).label.lower()}. Läs in sidan igen.",
            code="wrong_status",
        )
    return None


def place_refusal(encounter_type, status):
    """VH-09: why the encounter may not be given a place, or None."""
    if encounter_type.code not in HOLDS_A_PLACE:
        return RuleError(
            "VH-09", f"{encounter_type.name} tilldelas ingen plats. Välj en vårdhändelse med rum, säng eller stol."
        )
    if status not in (Status.IN_PROGRESS, Status.CHECKED_OUT):
        return RuleError(
            "VH-09", "En plats tilldelas medan vårdhändelsen pågår. Registrera ankomst eller inskrivning först."
        )
    return None


def pre_registration_type(*, is_diagnostic, planned_start, at):
    """What a booking is until arrival: hidden while more than 24 hours remain (VH-05), diagnostics by VH-06."""
    if is_diagnostic:
        return DIAGNOSTIC_BOOKED
    return HIDDEN if elapsed(at, planned_start) > DAY else VISIBLE


def counts_as_no_show(*, cancelled_by_patient, planned_start, at):
    """VH-11: the patient cancelled with less than 24 hours to the start."""
    return cancelled_by_patient and elapsed(at, planned_start) < DAY


def automatic_end(start):
    """VH-17: 23:59 of the local date on which the contact took place."""
    return end_of_day(local_date(start))


def is_due_for_discharge(start, at):
    """VH-17: whether 23:59 of the contact's date has come."""
    return automatic_end(start) <= at


def automatic_check_out_time(*, start, planned_end):
    """VH-18: the booked end but never before the arrival, 23:59 where there was no booking."""
    return max(planned_end, start) if planned_end else automatic_end(start)


def arrival_refusal(*, planned_start, at):
    """Arrival belongs to the booked day, from its midnight on: earlier is a booking of another time."""
    if at < start_of_day(local_date(planned_start)):
        day = local_date(planned_start).isoformat()
        return RuleError("VH-07", f"Besöket är bokat {day}. Ankomst kan registreras den dagen; boka om tiden först.")
    return None


def no_show_refusal(*, planned_start, at):
    """VH-11: nobody has failed to come before the booked time."""
    if at < planned_start:
        return RuleError("VH-11", "Besökets tid har inte kommit än. Avboka i stället om patienten lämnat återbud.")
    return None


def correction_refusal(*, done_by, done_at, by, at, may_correct, what="Ändringen"):
    """PL-13: what a person has just done that person may undo, within five minutes; later, or another's, only those who
    may correct. `done_by` and `by` are users; `done_by` is None where the clock did it. Returns the reason or None."""
    if may_correct:
        return None
    if done_by is None:
        return RuleError(
            "PL-13",
            f"{what} gjordes automatiskt. Koordinator eller support kan rätta den.",
            code="not_own_act",
        )
    if done_by.pk != by.pk:
        return RuleError(
            "PL-13",
            f"{what} gjordes av {done_by.name}, som kan ångra inom fem minuter. Därefter rättar koordinator eller support.",
            code="not_own_act",
        ).told(done_by, done_at)
    if elapsed(done_at, at) > UNDO_TIME:
        return RuleError(
            "PL-13",
            f"{what} gjordes för mer än fem minuter sedan. Be koordinator eller support att rätta den.",
            code="too_late",
        )
    return None


def correction_needs_reason(*, done_by, done_at, by, at):
    """PL-13: a person's own act taken back at once explains itself; every other correction says why."""
    return done_by is None or done_by.pk != by.pk or elapsed(done_at, at) > UNDO_TIME
