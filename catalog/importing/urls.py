"""Addresses of imports and exports, mounted at /admin/desk/catalogue/."""

from django.urls import path

from catalog.importing import desk

app_name = "imports"
urlpatterns = [
    path("", desk.index, name="index"),
    path("products.<slug:kind>", desk.products, name="export"),
    path("<uuid:key>/", desk.show, name="import"),
    path("<uuid:key>/mapping/", desk.mapping, name="mapping"),
    path("<uuid:key>/writing/", desk.writing, name="writing"),
    path("<uuid:key>/cancellation/", desk.cancellation, name="cancellation"),
    path("<uuid:key>/refused.csv", desk.refused, name="refused"),
]
