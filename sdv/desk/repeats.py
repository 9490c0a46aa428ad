"""A person's own repeated click does nothing and says nothing; the second of two people is told who did what (PL-27).
And who may take an act back: whoever did it within five minutes, later those who correct (PL-13)."""

from registration import lifecycle
from registration.stay_rules import ALREADY_HERE
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.time import ONE_MINUTE, elapsed


def is_own_repeat(request, refused, is_done):
    """Whether the refusal only says that this very person has already done it. `is_done`: the thing is in the state
    that was asked for."""
    return is_done and refused.user_id == request.actor.user.pk


def is_own_arrival_again(request, refused, *, at):
    """Whether the patient is here because the same person has just registered it: a second click, not a second patient."""
    is_just_now = refused.code == ALREADY_HERE and bool(refused.at) and elapsed(refused.at, at) < ONE_MINUTE
    return is_own_repeat(request, refused, is_just_now)


def version_of(request):
    """The version of the row that a button posts along; None where it posts none."""
    given = request.POST.get("version", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


def insisted(request):
    """What an action is told of a warning that the person keeps, with the reason (PL-06)."""
    if not request.POST.get("overrule"):
        return {}
    return {"accept_warnings": ("PL-06",), "reason": request.POST.get("reason", "").replace("\0", "").strip()[:200]}


def require_undo(request, encounter, *, what, at):
    """Raises RuleError unless the person may take back the encounter's last move, or must say why first (PL-13).
    Returns the reason."""
    done = encounter.history.select_related("by").order_by("-id").first()
    facts = {"done_by": done.by if done else None, "done_at": done.registered_at if done else at}
    by, may_correct = request.actor.user, request.actor.may(Permission.CORRECT)
    if refused := lifecycle.correction_refusal(**facts, by=by, at=at, may_correct=may_correct, what=what):
        raise refused
    reason = request.POST.get("reason", "").replace("\0", "").strip()[:200]
    if not reason and lifecycle.correction_needs_reason(**facts, by=by, at=at):
        raise RuleError(
            "PL-13",
            f"Ange varför du ångrar: {what[:1].lower()}{what[1:]} är inte din egen från nyss.",
            code="reason_missing",
            is_warning=True,
            needs_reason=True,
        )
    return reason
