"""The card desk of the network."""

from django.urls import URLPattern

app_name = "card"
urlpatterns: list[URLPattern] = []
