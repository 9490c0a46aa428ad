"""The repository's own rules, judged from its files: what is cited exists, what must be tested is, units are kept apart,
changes are traced, and nothing of anybody's machine is in it."""

import ast
import re
import subprocess
from functools import cache

import pytest
from django.apps import apps
from django.conf import settings
from django.urls import get_resolver

ROOT = settings.BASE_DIR
OUR_APPS = ("sdv", "registration", "scheduling", "classification")

CITED = re.compile(r"\b([A-Z]{2,3})-(\d\d)(?!\d)(?:\s*(?:…|\.\.\.|–)\s*(?:\1-)?(\d\d))?")  # VH-17…19 is three rules
LARGEST_FILE = 500  # lines
# Larger, because what belongs together is read together.
LARGE_FILES = {
    "sdv/desk/demo/story.py": "one invented day, told from morning to evening",
}


@cache
def tracked(*patterns):
    """Files in git that are there, as paths."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return tuple(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


def name(path):
    return str(path.relative_to(ROOT))


def text(path):
    return path.read_text(encoding="utf-8", errors="replace")


def product_code():
    """Python that users run: without tests, measurements and migrations."""
    return [path for path in tracked("*.py") if name(path).startswith(OUR_APPS) and "/migrations/" not in name(path)]


# --- The rulebook -----------------------------------------------------------------------------------------------------


@cache
def rulebook():
    """All ids of the rulebook (tests/data/rule_ids.txt names its source)."""
    lines = text(ROOT / "tests" / "data" / "rule_ids.txt").splitlines()
    return frozenset(rule for line in lines if not line.startswith("#") for rule in line.split())


def cited(words):
    """The rules that a text cites; a span means each of its rules."""
    prefixes = {rule.split("-")[0] for rule in rulebook()}
    for prefix, first, last in CITED.findall(words):
        if prefix in prefixes:
            yield from (f"{prefix}-{number:02}" for number in range(int(first), int(last or first) + 1))


def test_every_rule_that_is_cited_exists():
    unknown = {
        f"{name(path)}: {rule}"
        for path in tracked("*.py", "*.html", "*.js", "*.css", "*.md", "*.yaml", "*.csv")
        if "static/vendor" not in name(path)
        for rule in cited(text(path))
        if rule not in rulebook()
    }
    assert not unknown, "\n".join(sorted(unknown))


# Rules of what is not built yet: the migrations and their balance, the forms and statistics of vårdval psykoterapi, the
# fees of coordinated visits and of stays; and the practice environment, whose tests cite the rules that it shows.
NOT_YET = set(cited("AG-02 MI-01…22 MP-01…08 PL-12 PL-19 PS-01 PS-02 PS-05…13"))


def test_every_rule_that_the_product_follows_is_told_by_a_test():
    """A test's docstring or name cites it."""
    told = set()
    for path in tracked("tests/*.py"):
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                told |= set(cited(ast.get_docstring(node) or ""))
                told |= set(cited(node.name.upper().replace("_", "-")))
    assert sorted(rulebook() - NOT_YET - told) == []
    assert sorted(NOT_YET & told) == [], "an exception that no longer is one"


def test_every_refusal_cites_a_rule_of_the_rulebook():
    """VH-24: with the rule's id; none where nothing was said that a rule could speak of."""
    wrong = []
    for path in product_code():
        for call in calls(path, "RuleError"):
            rule = call.args[0] if call.args else None
            if isinstance(rule, ast.Constant) and rule.value and rule.value not in rulebook():
                wrong.append(f"{name(path)}:{call.lineno}: {rule.value}")
    assert not wrong, "\n".join(wrong)


# --- Units are kept apart ---------------------------------------------------------------------------------------------

UNIT_SCOPED = {
    "Appointment",
    "AwaitedResult",
    "BookingRequest",
    "CareCommitment",
    "Encounter",
    "EncounterCoding",
    "Letter",
    "MissingFollowUp",
    "NoShowItem",
    "Order",
    "Referral",
    "Resource",
    "ResourceBooking",
}
# A chain that names one of these begins at a unit, a patient or a row that the caller already has.
NARROWS = {
    "care_unit",
    "care_unit_id",
    "care_unit__in",
    "patient",
    "encounter",
    "encounter_id",
    "appointment",
    "commitment",
    "held_by",
}
# Where a chain does neither, and why that is right: file and function.
SHOWS = "what an answer shows; the caller narrows"
JUDGED = "the row's unit is judged before anything of it is told"
FROM_ANYWHERE = {
    "scheduling/api/schedules.py:require_resource": "its unit is judged first; one that is not there is 400",
    "scheduling/api/appointments.py:appointment_rows": SHOWS,
    "scheduling/api/booking_requests.py:booking_request_rows": SHOWS,
    "scheduling/api/commitments.py:commitment_rows": SHOWS,
    "scheduling/api/letters.py:letter_rows": SHOWS,
    "scheduling/api/letter_preview.py:_change": JUDGED,
    "registration/api/referrals.py:referral_rows": SHOWS,
    "registration/api/referrals.py:require_at_either_end": JUDGED,
    "registration/api/referrals.py:get": JUDGED,
    "registration/api/waiting.py:known": JUDGED,
    "scheduling/api/sharing.py:post": JUDGED,
    "registration/api/orders.py:order_rows": SHOWS,
    "sdv/desk/api/encounters.py:encounter_rows": SHOWS,
    "sdv/desk/api/work_lists.py:": "which rows a list has; its endpoint narrows to the caller's units",
    "classification/api/coding.py:_encounter": JUDGED,
    "registration/api/encounters.py:get": JUDGED,
    "registration/api/participants.py:_judged": JUDGED,
    "registration/api/relations.py:owner": JUDGED,
    "sdv/desk/api/moves.py:post": JUDGED,
}


def calls(path, called):
    """The calls of a name in a file."""
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == called:
            yield node


def chains(tree):
    """(innermost function, model, whole chain) of every `Model.objects…` of a unit's rows."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        is_manager = isinstance(node, ast.Attribute) and node.attr == "objects" and isinstance(node.value, ast.Name)
        if not is_manager or node.value.id not in UNIT_SCOPED:
            continue
        whole = node
        while isinstance(parents[whole], ast.Attribute) or (
            isinstance(parents[whole], ast.Call) and parents[whole].func is whole
        ):
            whole = parents[whole]
        function = whole
        while function in parents and not isinstance(function, ast.FunctionDef | ast.Lambda):
            function = parents[function]
        yield getattr(function, "name", ""), node.value.id, whole, parents


def is_narrowed(chain):
    named = {keyword.arg for node in ast.walk(chain) if isinstance(node, ast.Call) for keyword in node.keywords}
    none = any(isinstance(node, ast.Attribute) and node.attr == "none" for node in ast.walk(chain))
    by_unit = any(each and each.split("__")[0] in NARROWS for each in named)
    return none or by_unit or bool(named & NARROWS)


def test_doors_begin_at_a_unit_or_a_patient_and_never_at_all_rows():
    """Least right by default: what is not narrowed cannot be forgotten to be narrowed."""
    doors = [
        path
        for path in product_code()
        if name(path).startswith("sdv/desk/views/") or "/api/" in name(path) or name(path).startswith("sdv/desk/forms/")
    ]
    assert doors
    wrong, found = [], set()
    for path in doors:
        for function, model, chain, parents in chains(ast.parse(text(path))):
            if is_narrowed(chain) or _is_asked_for_its_unit(chain, parents):
                continue
            found.add(f"{name(path)}:{function}")
            if f"{name(path)}:{function}" in FROM_ANYWHERE:
                continue
            wrong.append(f"{name(path)}:{chain.lineno}: {model} in {function or 'the module'}")
    assert not wrong, "\n".join(wrong)
    assert found == set(FROM_ANYWHERE), "an exception that no longer is one"


def _is_asked_for_its_unit(chain, parents):
    """`self.require(Model.objects.values_list("care_unit_id", …).get(pk=pk))`: the row's unit is judged first; or a
    method handed on to what narrows (`Encounter.objects.to_code`)."""
    parent = parents[chain]
    is_judged = (
        isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "require"
    )
    return is_judged or isinstance(chain, ast.Attribute)


# --- What is changed is traced ----------------------------------------------------------------------------------------

# Tables without a change log and not append-only, and why.
UNTRACED = {
    "accounts.IdempotentAnswer": "an answer kept for a day, then deleted",
    "outbox.OutboxMessage": "its delivery is its only change, and stands in it",
    "registration.EncounterClass": "part of the program: changed by releases alone",
    "registration.EncounterType": "part of the program: changed by releases alone",
    "scheduling.Outcome": "part of the program: changed by releases alone",
    "scheduling.CheckOutClosure": "what one check-out closed: written once with it",
    "classification.CodeSystem": "part of the program: changed by releases alone",
    "classification.Code": "imported by release; the release is traced",
    "classification.CodeRelation": "imported by release; the release is traced",
    "classification.CodeSynonym": "imported by release; the release is traced",
    "classification.CodeWord": "made from the codes",
}
# Columns that tell who somebody is or how to reach them: their tables keep the names of changed columns, no values.
PERSONAL = {"given_name", "surname", "street", "number", "value", "digest", "password"}
NOT_A_PERSON_S = {
    "registration.Encounter": "its number is the vårdhändelse's",
    "registration.QueueTicket": "its number is a place in the day's queue",
    "registration.WaitingScreen": "its digest is a screen's, and is not kept either",
}


def our_models():
    return [model for model in apps.get_models() if model.__module__.split(".")[0] in OUR_APPS]


def triggers(model):
    return {trigger.name: trigger for trigger in getattr(model._meta, "triggers", [])}


def test_every_change_is_traced():
    """VH-21: who, when, before, after. A table has the change log's triggers, or its rows are never changed."""
    untraced = {
        model._meta.label
        for model in our_models()
        if not {"log_insert", "log_update", "log_delete"} <= set(triggers(model))
        and "append_only" not in triggers(model)
    }
    assert untraced == set(UNTRACED)


def test_who_somebody_is_never_stands_in_the_change_log():
    """SK-02: what was held of a protected person can be purged, so the log must not keep it."""
    unprotected = {
        model._meta.label
        for model in our_models()
        if PERSONAL & {field.name for field in model._meta.get_fields()}
        and "log_update" in triggers(model)
        and "NULL::jsonb" not in str(triggers(model)["log_update"].func)
    }
    assert unprotected == set(NOT_A_PERSON_S)


def test_nobody_s_identity_stands_in_an_address():
    """Searches on people are posted: ids in addresses are opaque, or codes of catalogues."""
    allowed = {
        "pk",
        "row",
        "commitment",
        "file",
        "order",
        "name",
        "action",
        "external_id",
        "system",
        "code",
        "object_id",
        "content_type_id",
    }
    allowed |= {"app_label", "url", "area"}

    def named(patterns):
        for pattern in patterns:
            yield from pattern.pattern.regex.groupindex
            yield from named(getattr(pattern, "url_patterns", []))

    assert set(named(get_resolver().url_patterns)) <= allowed


def test_what_is_given_a_patient_s_id_locks_the_present_record():
    """RI-02: Patient.objects.lock_present, so that what is done with an old id lands right. A merge takes two records, and
    a register's answer is about the one it was asked of."""
    own = {"sdv/flows/merging/acts.py", "sdv/flows/register.py"}
    found = {name(path) for path in product_code() if "Patient.objects.locked()" in text(path)}
    assert found - own == set()


# --- Statements and files ---------------------------------------------------------------------------------------------

# Functions that build SQL from parts, all of them constants or quoted names of ours.
BUILDS_SQL = {
    "classification/statistics.py": "constants of the same file",
    "sdv/accounts/catalogue_file.py": "the name of our model's table, quoted",
    "sdv/common/partitions.py": "names of partitions, quoted",
    "sdv/flows/merging/acts.py": "names of our tables and constants of the same package",
    "sdv/flows/merging/since.py": "names of our tables and constants of the same package",
    "registration/actions/clock.py": "constants of the same file",
    "registration/actions/relations.py": "constants of the same file",
    "registration/waiting.py": "a constant of the same file",
    "scheduling/waiting.py": "a constant of registration/waiting.py",
    "scheduling/actions/reminders.py": "constants of the same file",
    "classification/actions/writing.py": "names of our tables",
    "sdv/desk/api/encounters.py": "names of our models' columns",
}


def test_no_statement_is_put_together_from_values():
    """What a user typed reaches the database as a parameter."""
    wrong = []
    for path in product_code():
        if name(path) in BUILDS_SQL:
            continue
        tree = ast.parse(text(path))
        named = _named_values(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called not in {"execute", "executemany", "raw", "RawSQL", "extra"}:
                continue
            statement = node.args[0]
            # A statement with a name is judged where the name gets its value.
            values = named.get(statement.id, []) if isinstance(statement, ast.Name) else [statement]
            if any(_is_built(value) and not _is_quoted(value) for value in values):
                wrong.append(f"{name(path)}:{node.lineno}")
    assert not wrong, "\n".join(wrong)


def _named_values(tree):
    """What each name of a file is set to, anywhere in it."""
    values = {}
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and getattr(node, "value", None) is not None:
                values.setdefault(target.id, []).append(node.value)
    return values


def _is_built(statement):
    return isinstance(statement, ast.JoinedStr | ast.BinOp) or (
        isinstance(statement, ast.Call) and getattr(statement.func, "attr", "") in {"format", "join", "replace"}
    )


def _is_quoted(statement):
    """psycopg's own composition: sql.SQL("…").format(sql.Identifier(…))."""
    return "sql.SQL" in ast.unparse(statement) or "SQL(" in ast.unparse(statement)


def test_no_file_has_grown_out_of_hand():
    large = {name(path) for path in product_code() if len(text(path).splitlines()) > LARGEST_FILE}
    assert large == set(LARGE_FILES)


WRITTEN_BY_PEOPLE = (
    "*.py",
    "*.html",
    "*.js",
    "*.css",
    "*.md",
    "*.toml",
    "*.yaml",
    "*.yml",
    "Makefile",
    ".ci/*",
    "*.lock",
)
# Split, so that this file does not find itself.
LEFT_OVER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
SOMEBODY_S = {
    "a place on somebody's machine": re.compile(r"(?<![\w.])/(?:work|root|home|Users|mnt)/\w"),
    "an index of packages": re.compile(
        "py" + r"pi\.org|python" + r"hosted|np" + r"mjs\.(?:org|com)|--(?:extra-)?index-url[= ]\S*//"
    ),
    "a conflict": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}


@pytest.mark.parametrize("what", sorted(SOMEBODY_S))
def test_nothing_of_anybody_s_machine_is_in_the_repository(what):
    found = [
        name(path)
        for path in tracked(*WRITTEN_BY_PEOPLE)
        if "static/vendor" not in name(path) and SOMEBODY_S[what].search(text(path))
    ]
    assert not found, f"{what}: {found}"


def test_nothing_is_left_for_later():
    found = [
        name(path)
        for path in tracked(*WRITTEN_BY_PEOPLE)
        if "static/vendor" not in name(path) and not name(path).endswith(".lock") and LEFT_OVER.search(text(path))
    ]
    assert not found


def test_no_test_is_empty_or_says_only_that_all_is_well():
    empty = []
    for path in tracked("tests/*.py"):
        for node in ast.walk(ast.parse(text(path))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            acts = [step for step in node.body if not isinstance(step, ast.Pass) and not _is_words(step)]
            says_nothing = all(isinstance(step, ast.Assert) and isinstance(step.test, ast.Constant) for step in acts)
            if not acts or says_nothing:
                empty.append(f"{name(path)}: {node.name}")
    assert not empty


def _is_words(step):
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)


def test_the_clock_is_read_at_the_doors_alone():
    """Actions take `at`; nothing below the doors asks what time it is, except when a row says when it was written."""
    below = ("registration/", "scheduling/", "classification/", "sdv/flows/", "sdv/outbox/", "sdv/organisation/")
    doors = ("/api/", "/views/", "/admin.py", "_admin.py", "/management/", "/tasks.py")
    reads = re.compile(r"(?<![\w.])(?:datetime\.(?:now|utcnow|today)\(|date\.today\(|time\.time\(|now\(\))")
    registered_at = {"registration/actions/encounters.py": "when a move was registered, beside when it happened"}
    found = {
        name(path)
        for path in product_code()
        if name(path).startswith(below) and not any(door in f"/{name(path)}" for door in doors)
        if any(reads.search(line) for line in text(path).splitlines() if "import" not in line)
        or "timezone.now()" in text(path)
    }
    assert found - {"registration/actions/encounters.py"} == set(), found
    assert set(registered_at) <= {name(path) for path in product_code()}
