"""Statistik and what is delivered of the classified contacts."""

from django.urls import path

from sdv.desk.views import statistics

urlpatterns = [
    path("statistik/", statistics.production, name="statistics"),
    path("statistik/produktion.csv", statistics.production_csv, name="statistics-csv"),
    path("statistik/produktion.xlsx", statistics.production_workbook, name="statistics-workbook"),
]
