"""Help, about, language, health: pages of no single app."""

from django.urls import URLPattern

app_name = "shop"
urlpatterns: list[URLPattern] = []
