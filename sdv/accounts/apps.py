from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "sdv.accounts"
    label = "accounts"
    verbose_name = "Medarbetare och behörighet"
