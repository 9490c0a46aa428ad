"""Addresses of this area."""

urlpatterns = []
