"""The card desk of the network."""

from django.urls import path

from payments.network import views

app_name = "card"
urlpatterns = [
    path("", views.card, name="card"),
    path("another/", views.another, name="another"),
    path("movements/<uuid:uuid>/", views.receipt, name="receipt"),
]
