"""The interface of what ends when a patient dies, and the rows that end by a change of their own fields (PL-22).

A consumer finds what is open, ends it with a record of what it was, and puts it back. Everything it touches is locked by
the cascade before (see `cascade`), in the one order."""

from collections import defaultdict

from django.db.models import F

from registration.models import CareCommitment, CommitmentStatus, Order, OrderStatus, Referral, ReferralStatus
from scheduling.models import (
    AppointmentStatus,
    AwaitedResult,
    AwaitedStatus,
    BookingRequest,
    BookingRequestStatus,
    BookingState,
    InvitationStatus,
    ItemStatus,
    Letter,
    LetterStatus,
    MissingFollowUp,
    NoShowItem,
    Offer,
    OfferStatus,
    OpenInvitation,
    RebookingItem,
    ResourceBooking,
)
from sdv.flows import consumers
from sdv.outbox.models import OutboxMessage

from .changes import REASON, NotRestored, is_as_left, record, typed

ENDED_MEANWHILE = "hör till ett avslutat vårdåtagande och lämnas som {it} är."
NOT_WAITING = "hör till något som inte väntar längre."
NO_BOOKING = "hör till en bokning som inte kommer tillbaka."
OFFER_ENDED = "är tillbakadraget. Erbjud tiden igen om den är ledig."
CHANGED = "har ändrats efter kaskaden och lämnas som {it} är."


class Consumer:
    """Something that ends when the patient dies. `words`: (one ends, many end, one has ended, many have ended)."""

    name = ""
    model = None
    words = ()

    def open(self, cascade):
        """What the cascade would end."""
        raise NotImplementedError

    def end(self, cascade, *, by, at):
        """Ends it, and records each change."""
        raise NotImplementedError

    def restore(self, cascade, changes, *, by, at):
        """Puts back what nobody has touched since; returns a list of NotRestored."""
        raise NotImplementedError

    def numbered(self, count, *, is_done):
        """The number in words: 2 remisser stängs, 1 remiss stängd."""
        return f"{count} {self.words[(2 if is_done else 0) + (count != 1)]}"

    def counted(self, count):
        """The number of things alone: 2 remisser."""
        return f"{count} {self.words[count != 1].rsplit(' ', 1)[0]}"


class Fields(Consumer):
    """Rows that end by a change of fields: `rows(patient_id)` that are open, `changes(row, cascade, by, at)` to make.
    What `moves` names follows a corrected date of the death."""

    moves = ()

    def __init__(self, name, label, model, *, words, rows, changes, it="den"):
        self.name, self.label, self.model, self.words, self.it = name, label, model, words, it
        self.rows, self.changes = rows, changes

    def open(self, cascade):
        return self.rows(cascade.patient_id)

    def end(self, cascade, *, by, at):
        ended = [(row, self.changes(row, cascade, by, at)) for row in self._locked(self.open(cascade))]
        before = [{field: getattr(row, field) for field in changes} for row, changes in ended]
        self._write(ended)
        record(
            cascade,
            self.name,
            [(row.pk, old, changes) for (row, changes), old in zip(ended, before, strict=True)],
        )

    def restore(self, cascade, changes, *, by, at):
        after = {change.row_id: change.after for change in changes}
        before = {change.row_id: change.before for change in changes}
        rows = list(self._locked(self.model.objects.filter(pk__in=before)))
        left = [self._left(pk, CHANGED) for pk in set(before) - {row.pk for row in rows}]
        ended = _of_ended_commitments(rows)
        restored = []
        for row in rows:
            if not is_as_left(row, {field: value for field, value in after[row.pk].items() if field not in self.moves}):
                left.append(self._left(row.pk, CHANGED))
            elif row.pk in ended:
                left.append(self._left(row.pk, ENDED_MEANWHILE))
            else:
                restored.append((row, typed(self.model, before[row.pk])))
        self._write(restored)
        return left

    def _left(self, pk, why):
        return NotRestored(self.name, pk, f"{self.label} {why.format(it=self.it)}")

    @staticmethod
    def _locked(rows):
        return rows.locked() if hasattr(rows, "locked") else rows.order_by("pk").select_for_update(no_key=True)

    def _write(self, changed):
        """One statement for each set of values, with the version raised."""
        alike = defaultdict(list)
        for row, values in changed:
            alike[tuple(values.items())].append(row.pk)
        versions = {"version": F("version") + 1} if hasattr(self.model, "version") else {}
        for values, ids in alike.items():
            self.model.objects.filter(pk__in=ids).update(**dict(values), **versions)


class Commitments(Fields):
    """Open vårdåtaganden end with reason avliden; one with an ongoing stay is listed, not closed (AV-02)."""

    moves = ("closed_on",)

    def restore(self, cascade, changes, *, by, at):
        """One that another has taken the place of meanwhile stays closed (VA-01)."""
        key = ("patient_id", "care_unit_id", "problem_code_id")
        closed = CareCommitment.objects.filter(pk__in=[change.row_id for change in changes]).values("pk", *key)
        wanted = {row["pk"]: tuple(row[each] for each in key) for row in closed}
        taken = set(
            CareCommitment.objects.open().filter(patient__in={each[0] for each in wanted.values()}).values_list(*key)
        )
        possible, left = [], []
        for change in changes:
            if wanted.get(change.row_id) in taken:
                sentence = "Ett nytt vårdåtagande för samma problem har öppnats; det gamla lämnas avslutat."
                left.append(NotRestored(self.name, change.row_id, sentence))
            else:
                possible.append(change)
        return left + super().restore(cascade, possible, by=by, at=at)


class Rebookings(Fields):
    """What was left to be booked anew. It comes back with its booking, or not at all (PL-02)."""

    def restore(self, cascade, changes, *, by, at):
        """The booking is then listed by itself, with what to do."""
        rows = RebookingItem.objects.filter(pk__in=[change.row_id for change in changes])
        booked = set(rows.filter(appointment__status=AppointmentStatus.BOOKED).values_list("pk", flat=True))
        possible = [change for change in changes if change.row_id in booked]
        left = [self._left(change.row_id, NO_BOOKING) for change in changes if change.row_id not in booked]
        return left + super().restore(cascade, possible, by=by, at=at)


class Offers(Fields):
    """What was offered is withdrawn and its time let go. It does not come back: whoever waits is asked anew (PL-01)."""

    def end(self, cascade, *, by, at):
        held = list(self.open(cascade).values_list("hold", flat=True))
        super().end(cascade, by=by, at=at)
        ResourceBooking.objects.filter(pk__in=held, state=BookingState.HELD).delete()

    def restore(self, cascade, changes, *, by, at):
        return [self._left(change.row_id, OFFER_ENDED) for change in changes]


class Invitations(Fields):
    """Öppna kallelser. One comes back with the bokningsbegäran or remiss it hangs on, or not at all (PL-26)."""

    def restore(self, cascade, changes, *, by, at):
        rows = OpenInvitation.objects.filter(pk__in=[change.row_id for change in changes])
        waiting = set(rows.of_those_who_wait().values_list("pk", flat=True))
        possible = [change for change in changes if change.row_id in waiting]
        left = [self._left(change.row_id, NOT_WAITING) for change in changes if change.row_id not in waiting]
        return left + super().restore(cascade, possible, by=by, at=at)


def _of_ended_commitments(rows):
    """UT-03: nothing waits under a vårdåtagande that has been ended meanwhile."""
    of = {row.pk: row.commitment_id for row in rows if getattr(row, "commitment_id", None)}
    ended = CareCommitment.objects.filter(pk__in=set(of.values()), status=CommitmentStatus.CLOSED)
    ended = set(ended.values_list("pk", flat=True))
    return {pk for pk, commitment_id in of.items() if commitment_id in ended}


def _pk(user):
    return user.pk if user else None


def _item(status):
    return lambda row, cascade, by, at: {
        "status": status,
        "decided_at": at,
        "decided_by_id": _pk(by),
        "decision": REASON,
    }


def _open_items(model):
    return lambda patient_id: model.objects.open().filter(patient=patient_id)


def _without_ongoing(patient_id):
    ongoing = ("in_progress",)
    return CareCommitment.objects.open().filter(patient=patient_id).exclude(encounters__status__in=ongoing)


def _messages(patient_id):
    unsent = {"delivered_at": None, "stopped_at": None}
    return OutboxMessage.objects.filter(
        patient_id=patient_id, topic__in=consumers.unsent_to(consumers.TOPICS), **unsent
    )


def _letters(patient_id):
    """All but those to relatives, which remain possible (PL-22)."""
    return Letter.objects.unsent().filter(patient=patient_id, kind__in=consumers.unsent_to(consumers.LETTERS))


COMMITMENTS = Commitments(
    "commitment",
    "Ett vårdåtagande",
    CareCommitment,
    it="det",
    words=("vårdåtagande avslutas", "vårdåtaganden avslutas", "vårdåtagande avslutat", "vårdåtaganden avslutade"),
    rows=_without_ongoing,
    changes=lambda row, cascade, by, at: {
        "status": CommitmentStatus.CLOSED,
        "closed_on": max(cascade.deceased_on, row.opened_on),
        "close_reason": REASON,
        "closed_by_id": _pk(by),
    },
)

LISTS = [
    Fields(
        "booking_request",
        "Bokningsbegäran",
        BookingRequest,
        words=(
            "bokningsbegäran avslutas",
            "bokningsbegäran avslutas",
            "bokningsbegäran avslutad",
            "bokningsbegäran avslutade",
        ),
        rows=lambda patient_id: BookingRequest.objects.waiting().filter(patient=patient_id),
        changes=lambda row, cascade, by, at: {
            "status": BookingRequestStatus.CLOSED,
            "closed_at": at,
            "close_reason": REASON,
        },
    ),
    Fields(
        "awaited_result",
        "Avvakta-posten",
        AwaitedResult,
        words=(
            "post i Avvakta avslutas",
            "poster i Avvakta avslutas",
            "post i Avvakta avslutad",
            "poster i Avvakta avslutade",
        ),
        rows=_open_items(AwaitedResult),
        changes=_item(AwaitedStatus.DECIDED),
    ),
    Fields(
        "missing_follow_up",
        "Posten i Saknar återbesök",
        MissingFollowUp,
        words=(
            "post i Saknar återbesök avslutas",
            "poster i Saknar återbesök avslutas",
            "post i Saknar återbesök avslutad",
            "poster i Saknar återbesök avslutade",
        ),
        rows=_open_items(MissingFollowUp),
        changes=_item(ItemStatus.DONE),
    ),
    Fields(
        "no_show_item",
        "Uteblivet-posten",
        NoShowItem,
        words=(
            "post i Uteblivna avslutas",
            "poster i Uteblivna avslutas",
            "post i Uteblivna avslutad",
            "poster i Uteblivna avslutade",
        ),
        rows=_open_items(NoShowItem),
        changes=_item(ItemStatus.DONE),
    ),
    Offers(
        "offer",
        "Erbjudandet",
        Offer,
        it="det",
        words=(
            "erbjudande dras tillbaka",
            "erbjudanden dras tillbaka",
            "erbjudande tillbakadraget",
            "erbjudanden tillbakadragna",
        ),
        rows=lambda patient_id: Offer.objects.open().filter(patient=patient_id),
        changes=lambda row, cascade, by, at: {
            "status": OfferStatus.WITHDRAWN,
            "answered_at": at,
            "answered_by_id": _pk(by),
        },
    ),
    Rebookings(
        "rebooking_item",
        "Ombokningen",
        RebookingItem,
        words=("ombokning avslutas", "ombokningar avslutas", "ombokning avslutad", "ombokningar avslutade"),
        rows=_open_items(RebookingItem),
        changes=_item(ItemStatus.DONE),
    ),
    Fields(
        "referral",
        "Remissen",
        Referral,
        words=("remiss stängs", "remisser stängs", "remiss stängd", "remisser stängda"),
        rows=lambda patient_id: Referral.objects.filter(
            patient=patient_id,
            status__in=[ReferralStatus.RECEIVED, ReferralStatus.RETURNED, ReferralStatus.ACCEPTED],
        ),
        changes=lambda row, cascade, by, at: {
            "status": ReferralStatus.CLOSED,
            "decision_reason": REASON,
            # The day on which the wait ended (BO-04).
            "decided_at": at,
            "decided_by_id": _pk(by),
        },
    ),
    Invitations(
        "open_invitation",
        "Den öppna kallelsen",
        OpenInvitation,
        words=(
            "öppen kallelse avslutas",
            "öppna kallelser avslutas",
            "öppen kallelse avslutad",
            "öppna kallelser avslutade",
        ),
        rows=lambda patient_id: OpenInvitation.objects.watched().filter(patient=patient_id),
        changes=lambda row, cascade, by, at: {
            "status": InvitationStatus.ENDED,
            "end_reason": REASON,
            "decided_at": at,
            "decided_by_id": _pk(by),
        },
    ),
    Fields(
        "order",
        "Ordinationen",
        Order,
        words=("ordination makuleras", "ordinationer makuleras", "ordination makulerad", "ordinationer makulerade"),
        rows=lambda patient_id: Order.objects.planned().filter(patient=patient_id),
        changes=lambda row, cascade, by, at: {
            "status": OrderStatus.CANCELLED,
            "cancel_reason": REASON,
            "decided_at": at,
            "decided_by_id": _pk(by),
        },
    ),
    Fields(
        "outbox_message",
        "Meddelandet",
        OutboxMessage,
        it="det",
        words=("meddelande stoppas", "meddelanden stoppas", "meddelande stoppat", "meddelanden stoppade"),
        rows=_messages,
        changes=lambda row, cascade, by, at: {"stopped_at": at},
    ),
    Fields(
        "letter",
        "Brevet",
        Letter,
        it="det",
        words=("brev stoppas", "brev stoppas", "brev stoppat", "brev stoppade"),
        rows=_letters,
        changes=lambda row, cascade, by, at: {
            "status": LetterStatus.STOPPED,
            "stop_reason": REASON,
            "decided_at": at,
            "decided_by_id": _pk(by),
        },
    ),
]
