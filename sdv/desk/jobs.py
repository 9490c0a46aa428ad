"""What the clock starts: each job finds what is due at `at`, may run late, twice and in parallel, and answers with one
line per kind of thing done. With `dry_run` it answers the same and writes nothing."""

import time

from django.db import connections, transaction

from classification.actions import deliveries, imports
from classification.models import CodeImport, ImportState, RegisterReporter
from classification.register.gathering import prepare
from classification.register.selection import period_due
from registration.actions import clock, relations
from scheduling import days, letter_pdf
from scheduling.actions import faults, invitations, letter_writing, offers, rebooking, reminders, resource_bookings
from scheduling.actions import letters as letter_actions
from scheduling.models import Letter
from sdv.accounts.api import idempotency
from sdv.common import partitions as monthly
from sdv.common.errors import RuleError
from sdv.common.time import local_date
from sdv.desk import downtime
from sdv.flows import deceased, invariants, register_nightly
from sdv.organisation.models import CareUnit
from sdv.outbox import delivery


class JobFailed(Exception):
    """Something could not be done. `lines` is the whole answer; what could be done has been done."""

    def __init__(self, sentence, lines):
        super().__init__(sentence, lines)
        self.sentence = sentence
        self.lines = lines


def reveal_preregistrations(*, at, dry_run=False):
    """VH-05: hidden pre-registrations with 24 hours or less to go are shown."""
    return [f"visade förhandsregistreringar: {clock.reveal(at=at, dry_run=dry_run)}"]


def auto_discharge(*, at, dry_run=False):
    """VH-17…19: what has reached 23:59 of its own day is checked out and ended."""
    discharged, checked_out = clock.auto_discharge(at=at, dry_run=dry_run)
    return [f"avslutade vårdhändelser: {discharged}", f"varav automatiskt utcheckade: {checked_out}"]


def deceased_cascade(*, at, dry_run=False):
    """AV-02: cascades that wait, because a register told of the death or a worker stopped halfway."""
    return [f"genomförda kaskader: {deceased.run_pending(at=at, dry_run=dry_run)}"]


def guardians_of_age(*, at, dry_run=False):
    """RE-01, RE-03: guardians leave those who have turned 18."""
    return [f"patienter som blivit myndiga: {relations.guardians_of_age(at=at, dry_run=dry_run)}"]


def release_holds(*, at, dry_run=False):
    """What was kept for a while has run out: offers that nobody answered (PL-01), öppna kallelser (PL-26), held times
    (BO-01), answers to repeated calls."""
    return [
        f"erbjudanden som gått ut: {offers.expire_due(at=at, dry_run=dry_run)}",
        f"öppna kallelser vars sista dag passerat: {invitations.expire_due(at=at, dry_run=dry_run)}",
        f"släppta tider: {resource_bookings.release_expired_holds(at=at, dry_run=dry_run)}",
        f"glömda svar på upprepade anrop: {idempotency.purge(at=at, dry_run=dry_run)}",
    ]


def outbox(*, at, dry_run=False):
    """Messages that are due are delivered. Fails where some could not be; they are tried again later."""
    if dry_run:
        return [f"meddelanden att leverera: {delivery.count_due(at=at)}"]
    delivered, failed = delivery.deliver_due(at=at)
    lines = [f"levererade meddelanden: {delivered}", f"misslyckade leveranser: {failed}"]
    if failed:
        raise JobFailed(f"{failed} meddelanden kunde inte levereras; de prövas igen senare.", lines)
    return lines


def downtime_lists(*, at, dry_run=False):
    """PL-15: each unit's visits, beds and expected patients as pages to print, opened without the system."""
    pages, patients = downtime.write(at=at, dry_run=dry_run)
    return [f"reservlistor skrivna: {pages}", f"patienter på reservlistor: {patients}"]


def letters(*, at, dry_run=False):
    """KA-03: letters that are in 1177 count as sent, and those that did not go there come back; those that wait for paper
    are made ready, so that a pile is printed without waiting."""
    sent = letter_writing.settle_portal(at=at, dry_run=dry_run)
    back = letter_writing.come_back_from_portal(at=at, dry_run=dry_run)
    return [
        f"brev skickade till 1177: {sent}",
        f"brev som inte gick till 1177: {back}",
        f"brev gjorda som PDF: {_make_documents(at=at, dry_run=dry_run)}",
    ]


# Each takes a part of a second; the next run goes on.
DOCUMENTS_A_RUN = 100


def _make_documents(*, at, dry_run):
    waiting = Letter.objects.to_print().not_too_late(at).filter(document=None).order_by("created_at", "id")
    if dry_run:
        return waiting.count()
    if not letter_pdf.is_possible():
        return 0
    press, made = None, 0
    for letter in waiting.select_related("patient")[:DOCUMENTS_A_RUN]:
        press = press or letter_pdf.Press()
        try:
            letter_actions.make_document(letter_id=letter.pk, render=press.pdf_of, by=None, at=at)
            made += 1
        except RuleError:
            # Stopped, or come to concern somebody dead or protected, since it was found.
            continue
    return made


def send_reminders(*, at, dry_run=False):
    """PL-18: an SMS 48 hours before, one per contact."""
    return [f"påminnelser: {reminders.remind(at=at, dry_run=dry_run)}"]


def unclosed_days(*, at, dry_run=False):
    """PL-04: units with days that nobody has closed, a fortnight back. Counted and shown: it is people's work, no
    fault of the system."""
    found = {}
    for care_unit, day in days.unclosed(at=at):
        found.setdefault(care_unit, []).append(day)
    if not found:
        return ["alla dagar är stängda"]
    names = dict(CareUnit.objects.filter(pk__in=found).values_list("pk", "name"))
    return [
        f"{names[pk]}: {len(rows)} {'dag' if len(rows) == 1 else 'dagar'} inte {'stängd' if len(rows) == 1 else 'stängda'},"
        f" äldst {min(rows).isoformat()}"
        for pk, rows in sorted(found.items(), key=lambda each: names[each[0]])
    ]


def waiting_list_check(*, at, dry_run=False):
    """PL-11: every unit's waiting list checks itself. Counted and shown: it is people's work, no fault of the system."""
    done = faults.check(at=at, dry_run=dry_run)
    return [f"nya fel i väntelistor: {done.found}", f"åtgärdade: {done.mended}", f"öppna: {done.open}"]


def rebooking_check(*, at, dry_run=False):
    """PL-02: bookings in an absence that do not stand in Ombokningar are put there: after an upgrade by which an absence
    hits more than it did. Counted and shown: afterwards it is people's work."""
    return [f"bokningar i frånvaro satta i Ombokningar: {rebooking.list_hit(at=at, dry_run=dry_run)}"]


def check_invariants(*, at, dry_run=False):
    """Counts what breaks the agreements between tables. Fails where one is broken that people's work does not repair."""
    counts = [(invariant, invariant.rows(at).count()) for invariant in invariants.INVARIANTS]
    lines = [f"{invariant.broken_when}: {count}" for invariant, count in counts]
    if faults := [invariant.name for invariant, count in counts if count and not invariant.is_work]:
        raise JobFailed(f"Brutna överenskommelser mellan tabeller: {', '.join(faults)}.", lines)
    return lines


def partitions(*, at, dry_run=False):
    """The logs have partitions for this month and the next ones. Only the tables' owner may make them."""
    connection = connections["owner" if "owner" in connections.settings else "default"]
    if dry_run:
        made = [name for table in monthly.PARTITIONED_TABLES for name in monthly.missing(connection, table, at=at)]
    else:
        made = []
        with transaction.atomic(using=connection.alias):
            with connection.cursor() as cursor:
                # Two runs at once take turns; the second finds nothing to do.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('partitions'))")
            for table in monthly.PARTITIONED_TABLES:
                made += monthly.ensure(connection, table, at=at)
    return [f"partitions made: {len(made)}" + (f" ({', '.join(made)})" if made else "")]


def par_delivery(*, at, dry_run=False):
    """PAR-01: the three whole months before the present one, of each who reports. What has not changed is not made
    again. Fails where one could not be made; the others are."""
    period = period_due(local_date(at))
    lines, failed = [], []
    for reporter in RegisterReporter.objects.select_related("care_provider").order_by("file_code"):
        try:
            if dry_run:
                prepared = prepare(reporter, period)
                told, held = prepared.inpatient + prepared.outpatient, prepared.held_back
            else:
                delivery = deliveries.deliver(reporter_id=reporter.pk, period=period, by=None, at=at)
                told, held = delivery.inpatient + delivery.outpatient, delivery.held_back
            lines.append(f"patientregistret {reporter.file_code} {period}: {told} kontakter, {held} hölls inne")
        except RuleError as refused:
            lines.append(f"patientregistret {reporter.file_code} {period}: {refused.sentence}")
            failed.append(reporter.file_code)
    if failed:
        raise JobFailed(f"Leverans kunde inte göras för {', '.join(failed)}.", lines)
    return lines or ["patientregistret: ingen uppgiftslämnare är angiven under Kataloger"]


def code_imports(*, at, dry_run=False):
    """KL-05: code lists that somebody has said yes to take effect, each as a whole or not at all. Fails where one
    stopped; the page says why."""
    if dry_run:
        return [f"kodlistor att läsa in: {CodeImport.objects.filter(state=ImportState.QUEUED).count()}"]
    done = imports.carry_out_queued(at=at)
    lines = [f"{found.system.name} {found.version}: {said}" for found, said in done]
    if stopped := [str(found) for found, said in done if isinstance(said, str)]:
        raise JobFailed(f"Inläsningen stannade: {', '.join(stopped)}.", lines)
    return lines or ["kodlistor att läsa in: 0"]


def pu_nightly(*, at, dry_run=False):
    """PA-04: each night all patients are held against the population register, some minutes at a time. Fails where it
    does not answer; the next run goes on from there."""
    result = register_nightly.run(at=at, dry_run=dry_run, clock=time.monotonic, wait=time.sleep)
    lines = [_night_line(result)]
    if result.state == "failed":
        raise JobFailed("Personuppgiftstjänsten svarar inte; nästa körning fortsätter där det blev stopp.", lines)
    return lines


NIGHT_STATES = {
    "not-connected": "ingen personuppgiftstjänst är ansluten (SDV_PU_ADDRESS)",
    "too-early": "natten börjar {begins_at:%H.%M}",
    "busy": "en annan körning pågår",
    "done": "natten är klar",
    "more": "fortsätter vid nästa körning, {left} kvar",
    "failed": "avbruten, {left} kvar",
}


def _night_line(result):
    """One line a run: numbers, and whether there is more."""
    state = NIGHT_STATES[result.state].format(begins_at=result.begins_at, left=result.left)
    if result.state in ("not-connected", "too-early", "busy"):
        return f"folkbokföringen: {state}"
    counts = result.counts
    return (
        f"folkbokföringen: tillfrågade {counts.asked}, ändrade {counts.changed}, okända {counts.unknown},"
        f" utan användbart svar {counts.left_out}, att granska {counts.conflicts}, misslyckade {counts.failures}; {state}"
    )


# The name a person or beat uses, and what it runs: callable(at=…, dry_run=False) -> list of lines.
JOBS = {
    "reveal-preregistrations": reveal_preregistrations,
    "auto-discharge": auto_discharge,
    "deceased-cascade": deceased_cascade,
    "guardians-of-age": guardians_of_age,
    "release-holds": release_holds,
    "letters": letters,
    "reminders": send_reminders,
    "outbox": outbox,
    "unclosed-days": unclosed_days,
    "waiting-list-check": waiting_list_check,
    "rebooking-check": rebooking_check,
    "check-invariants": check_invariants,
    "partitions": partitions,
    "pu-nightly": pu_nightly,
    "par-delivery": par_delivery,
    "downtime-lists": downtime_lists,
    "code-imports": code_imports,
}
