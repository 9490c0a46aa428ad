"""Code systems with their releases and codes (KL-02, KL-03, KL-05), and the words they are found by."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import connection, models
from django.db.models import Q

from classification import search
from sdv.common.models import LockingQuerySet, Row, change_log


class System(models.TextChoices):
    """The code systems that contacts are coded with; the API's own codes."""

    ICD_10_SE = "icd-10-se", "ICD-10-SE"
    KVA = "kva", "KVÅ"
    ATC = "atc", "ATC"
    KSH97P = "ksh97p", "KSH97-P"
    REGIONAL = "regional", "Regional kod"


class CodeSystem(models.Model):
    """Kodsystem. Known by program; its codes come with releases."""

    code = models.SlugField("kod", max_length=20, primary_key=True)
    name = models.CharField("benämning", max_length=60)
    oid = models.CharField("OID", max_length=60, blank=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        verbose_name = "kodsystem"
        verbose_name_plural = "kodsystem"
        ordering = ["name"]
        triggers = []
        constraints = [models.CheckConstraint(name="code_system_known", condition=Q(code__in=System.values))]

    def __str__(self):
        return self.name


class ReleaseState(models.TextChoices):
    """Whether a release may be coded with."""

    IMPORTING = "importing", "läses in"
    READY = "ready", "klar"


class CodeReleaseQuerySet(LockingQuerySet):
    def ready_on(self, day):
        """The releases a contact that ended on the day is coded with (KL-05): at most one per system."""
        return self.filter(state=ReleaseState.READY, valid_from__lte=day).filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )


class _DateRange(models.Func):
    function = "daterange"
    output_field = DateRangeField()


class CodeRelease(Row):
    """Utgåva of a code system, valid between two dates; the systems change on the first of January (KL-05)."""

    system = models.ForeignKey(CodeSystem, models.PROTECT, related_name="releases", verbose_name="kodsystem")
    version = models.CharField("utgåva", max_length=60)
    valid_from = models.DateField("giltig från")
    valid_to = models.DateField("giltig till", null=True, blank=True)
    state = models.CharField("läge", max_length=10, choices=ReleaseState, default=ReleaseState.IMPORTING)
    source = models.CharField("källa", max_length=200)
    remark = models.TextField(
        "att veta",
        blank=True,
        help_text="Vad filen inte sade, till exempel vilka koder som inte får vara huvuddiagnos.",
    )

    objects = CodeReleaseQuerySet.as_manager()

    class Meta:
        verbose_name = "utgåva"
        verbose_name_plural = "utgåvor"
        ordering = ["system", "-valid_from"]
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["system", "version"],
                name="release_version_once",
                violation_error_message="Kodsystemet har redan en utgåva med den beteckningen.",
            ),
            models.CheckConstraint(name="release_state_known", condition=Q(state__in=ReleaseState.values)),
            models.CheckConstraint(
                name="release_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=models.F("valid_from")),
                violation_error_message="Sista giltighetsdag kan inte ligga före första.",
            ),
            ExclusionConstraint(
                name="one_ready_release_a_day",
                expressions=[
                    ("system", RangeOperators.EQUAL),
                    (
                        _DateRange("valid_from", "valid_to", RangeBoundary(inclusive_lower=True, inclusive_upper=True)),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(state=ReleaseState.READY),
                violation_error_message="En annan utgåva av kodsystemet är redan giltig de dagarna (KL-05).",
            ),
        ]

    def __str__(self):
        return f"{self.system_id} {self.version}"


class CodeLevel(models.TextChoices):
    """Where in its system a code stands."""

    CHAPTER = "chapter", "kapitel"
    BLOCK = "block", "avsnitt"
    CATEGORY = "category", "kategori"
    SUBCATEGORY = "subcategory", "kod"
    EXTENSION = "extension", "fördjupning"
    GROUP = "group", "rubrik"
    PROCEDURE = "procedure", "åtgärd"
    PRIMARY_CARE = "primary_care", "primärvårdskod"
    REGIONAL = "regional", "regional kod"
    ATC_1 = "atc_1", "anatomisk huvudgrupp"
    ATC_2 = "atc_2", "terapeutisk undergrupp"
    ATC_3 = "atc_3", "farmakologisk undergrupp"
    ATC_4 = "atc_4", "kemisk undergrupp"
    ATC_5 = "atc_5", "substans"


class CodeMark(models.TextChoices):
    """Etiology and manifestation: an asterisk code needs a partner that is none."""

    ETIOLOGY = "†", "etiologi"
    MANIFESTATION = "*", "manifestation"


class CodeQuerySet(LockingQuerySet):
    def valid_on(self, day):
        """Codes of the releases valid on the day, and themselves valid on it (KL-05)."""
        return self.filter(release__in=CodeRelease.objects.ready_on(day)).filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=day), Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )

    def search(self, text, systems, on, limit=20, *, near=(), **narrowed):
        """What somebody who types the text may mean, the likeliest first: a list of codes, found in one statement, or in
        three where the words had to be corrected.

        `systems` is one system or several, in the order they are shown. `near` is groups of (system, code), the nearest
        first: favourites, the unit's most used, the patient's earlier, the reason's usual. Narrowed by `registrable`
        (True leaves the headings out), `external_causes` (False leaves chapter 20 out, True shows nothing else) and
        `chapter`. Codes that are derived at reporting are never shown (KL-04). Each code tells `matched_term`, the
        synonym it was found by, or an empty text."""
        systems = [systems] if isinstance(systems, str) else list(systems)
        question = search.question(text, systems, on, limit, near=near, **narrowed)
        found = list(self.raw(*question)) if question else []
        if found or not (asked := search.corrections(text)):
            return found
        meanings = {}
        with connection.cursor() as cursor:
            cursor.execute(search.MEANINGS_SQL, asked)
            for place, word in cursor.fetchall():
                meanings.setdefault(place, []).append(word)
        return list(self.raw(*search.question(text, systems, on, limit, meanings=meanings, near=near, **narrowed)))


class Code(Row):
    """Kod in a release, without dot; with the marks that the rules read (KL-06)."""

    release = models.ForeignKey(
        CodeRelease, models.PROTECT, related_name="codes", db_index=False, verbose_name="utgåva"
    )
    # The release's system once more (held equal by a foreign key over both columns), so that nothing joins for it.
    system = models.ForeignKey(CodeSystem, models.PROTECT, related_name="+", db_index=False, verbose_name="kodsystem")
    code = models.CharField("kod", max_length=12)
    display = models.CharField("visas som", max_length=12)
    title = models.CharField("titel", max_length=500)
    parent_code = models.CharField("överordnad", max_length=12, blank=True)
    # The topmost heading above the code (KVÅ without headings: the part and the first letter), for the chapter filter.
    chapter = models.CharField("kapitel", max_length=12, blank=True)
    level = models.CharField("nivå", max_length=20, choices=CodeLevel)
    is_registrable = models.BooleanField("kan registreras")
    is_leaf = models.BooleanField("utan fördjupning")
    may_be_main = models.BooleanField("kan vara huvuddiagnos")
    is_external_cause = models.BooleanField("yttre orsak", default=False)
    is_derived = models.BooleanField("härleds vid rapportering", default=False)
    mark = models.CharField("märke", max_length=1, choices=CodeMark, blank=True)
    sex = models.CharField("bara kön", max_length=1, blank=True, help_text="KV Kön: 1 man, 2 kvinna")
    valid_from = models.DateField("giltig från", null=True, blank=True)
    valid_to = models.DateField("giltig till", null=True, blank=True)
    # What the official files say about the code: {"Innefattar": ["…"], …}, in their own headings.
    texts = models.JSONField("förklaringar", default=dict, blank=True)
    title_text = models.CharField(max_length=600, editable=False)
    search_text = models.TextField(editable=False)

    objects = CodeQuerySet.as_manager()

    class Meta:
        verbose_name = "kod"
        verbose_name_plural = "koder"
        ordering = ["system", "code"]
        indexes = [
            # Written by loads alone, read at each key: no pending list to read through.
            GinIndex(OpClass("search_text", name="gin_trgm_ops"), name="code_search_trigrams", fastupdate=False),
            models.Index(OpClass("code", name="varchar_pattern_ops"), "system", name="code_by_prefix"),
            models.Index(fields=["release", "parent_code", "code"], name="code_by_parent"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["release", "code"], name="code_once_per_release"),
            models.CheckConstraint(name="code_level_known", condition=Q(level__in=CodeLevel.values)),
            models.CheckConstraint(name="code_mark_known", condition=Q(mark__in=["", *CodeMark.values])),
            models.CheckConstraint(name="code_sex_known", condition=Q(sex__in=["", "1", "2"])),
            models.CheckConstraint(name="code_without_dot_or_space", condition=Q(code__regex=r"^[0-9A-Z][0-9A-Z-]*$")),
        ]

    def __str__(self):
        return f"{self.display} {self.title}"


class CodeSynonym(Row):
    """Another word for a code, searched for but never shown as its title."""

    code = models.ForeignKey(Code, models.CASCADE, related_name="synonyms", verbose_name="kod")
    term = models.CharField("sökord", max_length=200)
    folded = models.CharField(max_length=240, editable=False)
    source = models.CharField("källa", max_length=60)

    class Meta:
        verbose_name = "sökord"
        verbose_name_plural = "sökord"
        ordering = ["term"]
        constraints = [models.UniqueConstraint(fields=["code", "term"], name="synonym_once_per_code")]

    def __str__(self):
        return self.term


class RelationKind(models.TextChoices):
    """How a code refers to another."""

    PARTNER = "partner", "kopplas till"
    ICF = "icf", "relaterad ICF-kod"
    ICD = "icd", "relaterad ICD-10-SE-kod"


class CodeRelation(Row):
    """What a code refers to in the official file: a † or * partner, an ICF or ICD code or range, as it is written."""

    code = models.ForeignKey(Code, models.CASCADE, related_name="relations", db_index=False, verbose_name="kod")
    kind = models.CharField("slag", max_length=10, choices=RelationKind)
    target = models.CharField("hänvisar till", max_length=200)

    class Meta:
        verbose_name = "kodrelation"
        verbose_name_plural = "kodrelationer"
        ordering = ["kind", "target"]
        constraints = [
            models.UniqueConstraint(fields=["code", "kind", "target"], name="code_relation_once"),
            models.CheckConstraint(name="code_relation_kind_known", condition=Q(kind__in=RelationKind.values)),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.target}"


class CodeWord(models.Model):
    """A folded word that occurs in some title or synonym: what a misspelt word is compared with."""

    word = models.CharField(max_length=120, primary_key=True)

    class Meta:
        indexes = [GinIndex(OpClass("word", name="gin_trgm_ops"), name="code_word_trigrams", fastupdate=False)]

    def __str__(self):
        return self.word
