"""The card desk of the network."""

from django.urls import path

from payments.network import own, views

app_name = "card"
urlpatterns = [
    path("", views.card, name="card"),
    path("another/", views.another, name="another"),
    path("movements/<uuid:uuid>/", views.receipt, name="receipt"),
    path("movements/<uuid:uuid>/claim/", own.claim_new, name="claim-new"),
    path("sending/", own.send, name="send"),
    path("sending/order/", own.order, name="send-order"),
    path("claims/<uuid:uuid>/", own.claim, name="claim"),
    path("loss/", own.loss, name="loss"),
    path("limits/", own.limits, name="limits"),
    path("successor/", own.successor, name="successor"),
]
