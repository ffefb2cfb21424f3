"""Addresses of the card desk, mounted at /admin/desk/cards/."""

from django.urls import path

from payments.network import desk_views

app_name = "card-desk"
urlpatterns = [
    path("", desk_views.index, name="index"),
    path("issue/", desk_views.issue, name="issue"),
    path("loads/<uuid:key>/", desk_views.load, name="load"),
    path("<uuid:token>/", desk_views.card, name="card"),
    path("<uuid:token>/<slug:name>/", desk_views.deed, name="deed"),
]
