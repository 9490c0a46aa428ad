"""Addresses of classification under /api/v1/."""

from django.urls import path

from . import codes, coding, deliveries, statistics

urlpatterns = [
    path("codes/<str:system>/", codes.Codes.as_view()),
    path("codes/<str:system>/<str:code>/", codes.OneCode.as_view()),
    path("encounters/<uuid:pk>/coding/", coding.EncounterCoding.as_view()),
    path("register-deliveries/", deliveries.Deliveries.as_view()),
    path("register-deliveries/<uuid:pk>/", deliveries.OneDelivery.as_view()),
    path("statistics/production/", statistics.Production.as_view()),
]
