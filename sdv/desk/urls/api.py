"""Addresses under /api/v1/ (docs: design of the API in docs/api.md)."""

urlpatterns = []
