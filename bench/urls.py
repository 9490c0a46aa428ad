"""The product's addresses and, beside them, thin views that do one query for the same data."""

from django.urls import path

from sdv.urls import urlpatterns as product

from . import thin

urlpatterns = [
    path("thin/number/", thin.number),
    path("thin/name/", thin.name),
    path("thin/day/", thin.day),
    path("thin/appointment/", thin.appointment),
    path("thin/encounter/<uuid:pk>/", thin.encounter),
    *product,
]
