"""Addresses of the money desks, mounted at /admin/desk/money/."""

from django.urls import URLPattern, URLResolver

app_name = "money"
urlpatterns: list[URLPattern | URLResolver] = []
