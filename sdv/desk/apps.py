from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "sdv.desk"
    label = "desk"
    verbose_name = "Skrivbord"
