"""Klassificering."""

from django.urls import path

from sdv.desk.views import codes, coding

urlpatterns = [
    path("klassificering/", coding.coding_list, name="coding"),
    path("vardhandelser/<uuid:pk>/klassificering/", coding.encounter_coding, name="encounter-coding"),
    path("vardhandelser/<uuid:pk>/klassificering/angra/", coding.undo, name="encounter-coding-undo"),
    path("koder/", coding.code_search, name="code-search"),
    path("kodverk/", codes.catalogue, name="code-catalogue"),
    path("kodverk/<str:system>/<str:code>/", codes.code, name="code"),
]
