"""A refusal: what is not allowed, why, and what to do instead, with the rulebook's id (VH-24)."""


class RuleError(Exception):
    """A rule or the state of things refuses. Nothing has been changed.

    `rule` is the rulebook's id, `sentence` one Swedish sentence a person can act on, `code` a stable English word for
    programs. `by` and `at` say who was first (PL-27), `alternatives` the way on (PL-07). A `is_warning` refusal may be
    overruled by the person who asked (UT-05, PL-06).
    """

    def __init__(
        self,
        rule,
        sentence,
        *,
        code="refused",
        by=None,
        at=None,
        alternatives=None,
        is_warning=False,
        needs_reason=False,
    ):
        super().__init__(f"{rule}: {sentence}")
        self.rule = rule
        self.sentence = sentence
        self.code = code
        self.by = by
        self.at = at
        self.alternatives = alternatives
        self.is_warning = is_warning
        self.needs_reason = needs_reason
        self.user_id = None
        # Of an act on many rows: why each of them does not fit, by its id.
        self.errors = {}

    def told(self, user, at=None):
        """The refusal with who was first and when (PL-27), so that a door can pass a person's own repeat in silence.
        Without a user (the clock acted) it stays as it is."""
        if user is not None:
            self.by, self.user_id = user.name, user.pk
            self.at = at or self.at
        return self


class InputError(Exception):
    """What was sent cannot be understood; `errors` maps a field to its Swedish sentences."""

    def __init__(self, **errors):
        super().__init__("invalid input: " + ", ".join(sorted(errors)))
        self.errors = {field: [text] if isinstance(text, str) else list(text) for field, text in errors.items()}


class StaleVersion(Exception):
    """Somebody changed the row after the caller read it (PL-27); answered with 412 or the conflict page. `by` and `at`
    say who and when, where the row knows."""

    def __init__(self, *, current, given):
        super().__init__(f"version {given} is not the current {current}")
        self.current = current
        self.given = given
        self.by = self.at = self.user_id = None

    def told(self, user, at=None):
        """With who was first and when, where somebody is known."""
        if user is not None:
            self.by, self.at, self.user_id = user.name, at, user.pk
        return self


class NotPermitted(Exception):
    """The acting assignment lacks the permission; `permission` names it."""

    def __init__(self, permission, sentence="Ditt uppdrag ger inte rätt att göra detta."):
        super().__init__(f"not permitted: {permission}")
        self.permission = permission
        self.sentence = sentence
