"""Code systems: search, and one code (KL-02, KL-05)."""

from django.http import Http404
from rest_framework import serializers

from classification import browsing, presenters
from classification.judging import normalise
from classification.models import Code, CodeLevel, RelationKind, System
from sdv.accounts.api.endpoint import Endpoint
from sdv.accounts.api.schema import operation, page_of
from sdv.accounts.permissions import Permission
from sdv.common.api_fields import Answer, Day, Number, Query, Text
from sdv.common.time import local_date

TAG = "Koder"
USUAL_HITS, MOST_HITS = 20, 200


class CodeQuery(Query):
    """What to look for: a code's beginning, or words of its title."""

    search = Text(required=False, max_length=200)
    date = Day(required=False, help_text="Dagen vars utgåva gäller; i dag, om inget anges.")
    chapter = Text(required=False, max_length=12, help_text="Bara koder i kapitlet, till exempel 05 i ICD-10-SE.")
    parent = Text(required=False, max_length=12, help_text="I stället för sökning: det som ligger närmast under koden.")
    page_size = Number(required=False, min_value=1, max_value=MOST_HITS)


class DateQuery(Query):
    """The day whose release counts."""

    date = Day(required=False, help_text="Dagen vars utgåva gäller; i dag, om inget anges.")


class CodeAnswer(Answer):
    """A code in its system, with what must be known before choosing it."""

    code = serializers.CharField()
    text = serializers.CharField()
    display = serializers.CharField(help_text="Som den skrivs: F41.1.")
    system = serializers.ChoiceField(choices=System.values)
    level = serializers.ChoiceField(choices=CodeLevel.values)
    is_registrable = serializers.BooleanField()
    may_be_main = serializers.BooleanField()
    is_external_cause = serializers.BooleanField()
    mark = serializers.CharField()
    valid_to = serializers.DateField(allow_null=True)
    matched_term = serializers.CharField(help_text="Sökordet som träffade, där det inte var titeln.")


class CodeInTree(Answer):
    """A code beside another."""

    code = serializers.CharField()
    text = serializers.CharField()
    display = serializers.CharField()
    system = serializers.ChoiceField(choices=System.values)
    is_registrable = serializers.BooleanField(required=False)


class RelationAnswer(Answer):
    """What the official file says that a code is related to, as it is written there."""

    kind = serializers.ChoiceField(choices=RelationKind.values)
    target = serializers.CharField()


class ReleaseAnswer(Answer):
    """The release that the code was read from."""

    version = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)
    source = serializers.CharField()
    remark = serializers.CharField(help_text="Vad filen inte sade, till exempel om huvuddiagnos.")


class OneCodeAnswer(CodeAnswer):
    """A code by itself, with its place in the tree."""

    chapter = serializers.CharField()
    valid_from = serializers.DateField(allow_null=True)
    parents = CodeInTree(many=True, help_text="Överordnade, den översta först.")
    children = CodeInTree(many=True)
    relations = RelationAnswer(many=True)
    texts = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Den officiella filens egna rubriker."
    )
    release = ReleaseAnswer()


class _Codes(Endpoint):
    permissions = {"GET": Permission.VIEW_CATALOGUES}

    @staticmethod
    def known_system(system):
        if system not in System.values:
            raise Http404
        return system


class Codes(_Codes):
    """GET codes/{system}/?search=&date=."""

    @operation(
        "codes_search",
        "Sök koder i ett kodsystem, de troligaste först; utan sökord det översta i kodsystemet, eller under en kod",
        tag=TAG,
        query=CodeQuery,
        answer=page_of("CodePage", CodeAnswer),
    )
    def get(self, request, system):
        self.known_system(system)
        asked = self.query(CodeQuery)
        on = asked.get("date", local_date(self.at))
        found = []
        if text := asked.get("search"):
            chapter = asked.get("chapter", "")
            found = Code.objects.search(text, system, on, asked.get("page_size", USUAL_HITS), chapter=chapter)
        elif release := browsing.release_on(system, on):
            found = browsing.branch(release, on, normalise(asked.get("parent", ""))).codes
        results = [presenters.search_hit(row) for row in found]
        return self.answer({"results": results, "next": None, "previous": None})


class OneCode(_Codes):
    """GET codes/{system}/{code}/."""

    @operation("codes_read", "En kod, med eller utan punkt", tag=TAG, query=DateQuery, answer=OneCodeAnswer)
    def get(self, request, system, code):
        self.known_system(system)
        asked = self.query(DateQuery)
        code = normalise(self.text_in_path(code, longest=20))
        on = asked.get("date", local_date(self.at))
        row = Code.objects.select_related("release").valid_on(on).get(system=system, code=code)
        return self.answer(
            presenters.one_code(
                row,
                parents=browsing.parents_of(row),
                children=browsing.branch(row.release, on, row.code).codes,
                relations=row.relations.all(),
            )
        )
