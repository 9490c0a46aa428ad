"""What an inpatient stay and an emergency visit ask for: ways in and out, leave, places, births (VH-09, VH-13, VH-23).
Pure: no database, no request, no clock."""

from datetime import date

from django.db.models import TextChoices

from registration.lifecycle import EMERGENCY, INPATIENT, LIES, OBSERVATION, ONCE_AT_A_TIME, Status
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local, local_date

# Nobody alive now has been anywhere before this; asked where no date of birth is known.
EARLIEST = date(1900, 1, 1)
ALREADY_HERE = "already_here"


def _clock(moment):
    return f"{local(moment):%Y-%m-%d %H:%M}"


class AdmittedFrom(TextChoices):
    """Insätt (varifrån): the patient register's three (par-delivery, INSATT)."""

    HOSPITAL = "hospital", "Annat sjukhus eller annan klinik"
    SPECIAL_HOUSING = "special_housing", "Särskilt boende"
    HOME = "home", "Ordinärt boende"


class DischargedTo(TextChoices):
    """Utsätt (till). [reading] The register's own list was not found: the three of insätt, and avliden."""

    HOSPITAL = "hospital", "Annat sjukhus eller annan klinik"
    SPECIAL_HOUSING = "special_housing", "Särskilt boende"
    HOME = "home", "Ordinärt boende"
    DECEASED = "deceased", "Avliden"


class BrokenOff(TextChoices):
    """How an emergency visit was broken off by the patient."""

    BEFORE_ASSESSMENT = "before_assessment", "Lämnade före läkarbedömning"
    AFTER_ASSESSMENT = "after_assessment", "Lämnade efter läkarbedömning"


def discharge_refusal(type_code, *, admitted_from, discharged_to, died_on, on):
    """VH-23: a stay is discharged when insätt and utsätt are known, and who died before the day goes nowhere else. Who
    dies at the hospital is discharged as avliden before the register tells of it (AV-01). Or None."""
    if type_code == INPATIENT:
        ways = (("insätt (varifrån)", admitted_from), ("utsätt (till)", discharged_to))
        if missing := [name for name, value in ways if not value]:
            return RuleError(
                "VH-23",
                f"Ange {' och '.join(missing)}: slutenvården registrerar varifrån patienten kom och vart den går.",
                code="ways_missing",
            )
    if discharged_to not in ("", DischargedTo.DECEASED) and died_on is not None and died_on < on:
        return RuleError(
            "VH-23",
            f"Patienten är registrerad som avliden {died_on.isoformat()}. Välj utsätt Avliden, eller ange rätt tid.",
            code="is_deceased",
        )
    return None


def broken_off_refusal(type_code, broken_off, *, assessed_at):
    """VH-23: only an emergency visit is broken off, before or after a doctor's assessment as it was. Or None."""
    if not broken_off:
        return None
    if type_code != EMERGENCY:
        return RuleError("VH-23", "Bara ett akutbesök kan avslutas som avbrutet. Skriv ut i stället.")
    if broken_off == BrokenOff.BEFORE_ASSESSMENT and assessed_at:
        return RuleError("VH-23", "Läkarbedömningen är gjord. Välj Lämnade efter läkarbedömning.")
    if broken_off == BrokenOff.AFTER_ASSESSMENT and not assessed_at:
        return RuleError("VH-23", "Läkarbedömningen är inte registrerad. Registrera den, eller välj Lämnade före.")
    return None


def expected_refusal(expected_start, *, at):
    """A planned inskrivning is expected later than now (VH-03 f). Or None."""
    if expected_start < at:
        return RuleError(
            "VH-03", "Beräknad inskrivning har passerat. Ange en senare tid, eller skriv in patienten direkt."
        )
    return None


def before_birth_refusal(start, birth_date):
    """VH-23, PL-15: nothing has begun before the patient's birth, whatever was typed. Or None."""
    day = local_date(start)
    if day >= (birth_date or EARLIEST):
        return None
    what = "det är före patientens födelse" if birth_date else "så länge sedan var ingen patient här"
    return RuleError(
        "VH-23", f"Kontakten kan inte ha börjat {day.isoformat()}: {what}. Kontrollera datumet.", code="before_birth"
    )


def beginning_refusal(start, birth_date, expected_discharge_on):
    """What cannot be in time when a contact begins. Or None."""
    return before_birth_refusal(start, birth_date) or expected_discharge_refusal(
        expected_discharge_on, first_day=local_date(start)
    )


def expected_discharge_refusal(expected_on, *, first_day):
    """VH-23: nobody is expected to go home before coming. Or None."""
    if expected_on is None or expected_on >= first_day:
        return None
    return RuleError(
        "VH-23",
        f"Beräknad utskrivning {expected_on.isoformat()} ligger före inskrivningen {first_day.isoformat()}."
        " Ange den dagen eller en senare.",
        code="before_admission",
    )


def two_at_once(type_code, care_unit_id, other):
    """VH-09, PL-06, PL-27: why a patient who has the ongoing vårdhändelse `other` cannot have this one beside it. One who
    lies somewhere lies nowhere else, and who is at a unit's care is there once; an emergency visit beside care at another
    unit is a warning: it may have been forgotten, and care waits for nobody. Or None."""
    if type_code not in ONCE_AT_A_TIME or other.type_id not in ONCE_AT_A_TIME:
        return None
    where = f"{other.type.name} på {other.care_unit.short_name} sedan {_clock(other.start)}"
    if other.care_unit_id == care_unit_id:
        return RuleError(
            "VH-09",
            f"Patienten är redan här: {where}. Öppna den vårdhändelsen: därifrån byts plats, fortsätter vården eller"
            " skrivs patienten ut.",
            code=ALREADY_HERE,
        )
    if type_code in LIES and other.type_id in LIES:
        return RuleError(
            "VH-09",
            f"Patienten ligger redan inne: {where}. En patient har en plats i taget. Låt den enheten välja Flytta till"
            " annan enhet, eller skriva ut patienten först.",
            code="lies_elsewhere",
        )
    return RuleError(
        "PL-06",
        f"Patienten har redan {where}. Låt vården fortsätta därifrån, eller spara ändå och ange skälet.",
        code="patient_overlap",
        is_warning=True,
        needs_reason=True,
    )


def lay_there_then(other):
    """VH-09, PL-15: why a stay registered afterwards does not begin inside another."""
    return RuleError(
        "VH-09",
        f"Patienten låg på {other.care_unit.short_name} från {_clock(other.start)} till {_clock(other.end)}. Ange en tid"
        " från och med då, eller rätta den vårdhändelsens tider först.",
        code="lay_elsewhere_then",
    )


def holding_refusal(what, at, *, start, known_until):
    """VH-09, PL-15: a place or a ward that is registered afterwards comes after what is known of the stay: it is added at
    the end of the line, never inside it. `known_until` may be None. Or None."""
    first = max(start, known_until) if known_until else start
    if at >= first:
        return None
    return RuleError(
        "VH-09",
        f"{what} kan inte ligga {_clock(at)}: vårdtillfällets avdelning och plats är registrerade fram till"
        f" {_clock(first)}. Ange den tiden eller en senare. Är det som redan står fel: annullera vårdhändelsen och"
        " registrera den på nytt i rätt ordning.",
        code="before_what_is_known",
    )


def end_refusal(at, happened):
    """VH-16: an end is not before what has happened; `happened` is (what, moment) pairs. Or None."""
    what, latest = max(happened, key=lambda each: each[1], default=("", None))
    if latest is None or at >= latest:
        return None
    return RuleError(
        "VH-16",
        f"Utskrivningen kan inte ligga {_clock(at)}, före {what} {_clock(latest)}. Ange den tiden eller en senare.",
        code="before_what_happened",
    )


def goes_on(unit_name, since):
    """PL-13: why an ended vårdhändelse is not opened while what it went on as goes on."""
    return RuleError(
        "VH-01",
        f"Vården fortsätter på {unit_name} sedan {_clock(since)} och pågår där. Annullera den vårdhändelsen om patienten"
        " aldrig kom dit, eller vänta tills den är utskriven; uppgifter och koder rättas utan att öppna.",
        code="goes_on",
    )


def went_on(unit_name, since):
    """VH-01, VH-09: why care does not end after the patient was in another's."""
    return RuleError(
        "VH-01",
        f"Patientens vård var på {unit_name} från {_clock(since)}. Utskrivningen kan inte ligga senare: ange den tiden"
        " eller en tidigare.",
        code="went_on",
    )


def ward_refusal(ward, care_unit_id):
    """A ward of the unit, where the unit has any. Or None."""
    if ward is not None and ward.care_unit_id != care_unit_id:
        return InputError(ward="Välj en avdelning på enheten. Till en annan vårdenhet: välj Flytta till annan enhet.")
    return None


def leave_refusal(*, is_on_leave, expected_back, at):
    """Permission begins where none goes on, and ends later than it begins. Or None."""
    if is_on_leave:
        return RuleError("VH-09", "Patienten har redan permission. Registrera återkomsten först.", code="on_leave")
    if expected_back is not None and expected_back <= at:
        return RuleError("VH-09", "Väntad återkomst ska ligga efter permissionens början. Ange en senare tid.")
    return None


# --- Birth (VH-13) --------------------------------------------------------------------------------------------------

MOST_CHILDREN = 6
# The care that a mother is in when her child is prepared or born.
OF_A_MOTHER = (INPATIENT, OBSERVATION)


def number_of_children_refusal(how_many, *, has_identity):
    """How many children can be prepared at once. Or None."""
    if not 1 <= how_many <= MOST_CHILDREN:
        return InputError(how_many=f"Ange hur många barn som väntas: 1 till {MOST_CHILDREN}.")
    if has_identity and how_many > 1:
        return InputError(identity="Ett reservnummer gäller ett barn. Förbered barnen ett i taget.")
    return None


def mother_refusal(type_code, status):
    """A child is prepared and born during the mother's ongoing care at the maternity unit. Or None."""
    if type_code not in OF_A_MOTHER or status != Status.IN_PROGRESS:
        return RuleError(
            "VH-13",
            "Foster och nyfödd hör till moderns pågående vård på förlossningen. Skriv in modern, eller lägg henne på"
            " observation, först.",
            code="mother_not_here",
        )
    return None


def child_numbers_refusal(number, how_many, *, taken):
    """The children get the numbers from `number` on, in the order of birth; none that another child of the mother's has,
    and none left out. Whoever comes second with the same number means the same child (PL-27). Or None."""
    if found := sorted(set(range(number, number + how_many)) & taken):
        return RuleError(
            "PL-27",
            f"Barn {found[0]} är redan registrerat på modern. Är det ett barn till: öppna sidan igen och registrera det som"
            f" barn {next_child(taken)}.",
            code="already_done",
        )
    if number > next_child(taken):
        return InputError(number=f"Nästa barn är nummer {next_child(taken)}.")
    return None


def next_child(taken):
    """The number of the mother's next child."""
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def birth_correction_refusal(born_at, *, latest, says_birth_date):
    """A time of birth put right is not later than what the child did next, and of the day that its personnummer tells. Or
    None."""
    if latest is not None and born_at > latest:
        return RuleError(
            "VH-13",
            f"Barnet hade flyttats eller skrivits ut {_clock(latest)}: födelsetiden kan inte vara senare. Ange"
            " en tidigare tid, eller rätta flytten först.",
            code="born_too_late",
        )
    if says_birth_date and says_birth_date != local_date(born_at):
        return RuleError(
            "PA-02",
            f"Personnumret säger att barnet är fött {says_birth_date.isoformat()}. Ange en tid den dagen.",
            code="other_birth_date",
        )
    return None


def birth_time_warning(born_at, *, admitted_at):
    """A child born before its mother came to the unit: on the way there, or a time that is wrong. Asked of a person
    (VH-13). Or None."""
    if admitted_at is None or born_at >= admitted_at:
        return None
    when, came = _clock(born_at), _clock(admitted_at)
    return RuleError(
        "VH-13",
        f"Födelsetiden {when} ligger före moderns inskrivning {came}. Kontrollera tiden; spara ändå om barnet föddes på vägen.",
        code="born_before_admission",
        is_warning=True,
    )


# What a child is called before it has a name of its own.
UNNAMED_CHILD = r"^Barn [0-9]+$"


def name_of_child(mother, number):
    """Surname and given name of a child before it has any: after the mother, of a protected one nothing (SK-02)."""
    given_name = f"Barn {number}"
    return ("" if mother.is_protected else mother.surname), given_name


def personnummer_refusal(parsed, *, birth_date, is_born):
    """A newborn's personnummer tells its day of birth. Or None."""
    if not is_born:
        return RuleError("VH-13", "Barnet är inte fött än. Registrera födelsen först.")
    if parsed.kind != "personnummer":
        return InputError(identity="Skriv ett personnummer. Ett samordningsnummer eller reservID byts inte in här.")
    if parsed.birth_date != birth_date:
        return RuleError(
            "PA-02",
            f"Personnumret säger en annan födelsedag än {birth_date.isoformat()}. Kontrollera numret eller födelsetiden.",
            code="other_birth_date",
        )
    return None
