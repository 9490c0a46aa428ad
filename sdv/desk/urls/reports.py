"""Statistik and what is delivered of the classified contacts."""

from django.urls import path

from sdv.desk.views import deliveries, statistics, waiting

urlpatterns = [
    path("statistik/", statistics.production, name="statistics"),
    path("statistik/produktion.csv", statistics.production_csv, name="statistics-csv"),
    path("statistik/produktion.xlsx", statistics.production_workbook, name="statistics-workbook"),
    path("statistik/kodning/", statistics.quality, name="coding-quality"),
    path("statistik/kodning.csv", statistics.quality_csv, name="coding-quality-csv"),
    path("statistik/kodning.xlsx", statistics.quality_workbook, name="coding-quality-workbook"),
    path("statistik/vantetider/", waiting.waiting_times, name="waiting-times"),
    path("statistik/vantetider.xlsx", waiting.waiting_times_workbook, name="waiting-times-workbook"),
    path("statistik/avbokningar/", statistics.cancellations, name="cancellations"),
    path("statistik/avbokningar.xlsx", statistics.cancellations_workbook, name="cancellations-workbook"),
    path("leveranser/gruppering/", deliveries.grouping, name="grouping-export"),
    path("leveranser/gruppering.csv", deliveries.grouping_csv, name="grouping-export-csv"),
    path("leveranser/", deliveries.deliveries, name="deliveries"),
    path("leveranser/forhandsgranskning/", deliveries.preview, name="delivery-preview"),
    path("leveranser/<uuid:pk>/", deliveries.delivery, name="delivery"),
    path("leveranser/<uuid:pk>/lamna/", deliveries.send, name="delivery-send"),
    path("leveranser/<uuid:pk>/kassera/", deliveries.discard, name="delivery-discard"),
    path("leveranser/<uuid:pk>/filer/<uuid:file>/", deliveries.download, name="delivery-file"),
]
