"""Addresses of accounts: joining, signing in and out, the member's own pages."""

from django.urls import path

from accounts import inbox_views, views

app_name = "accounts"
urlpatterns = [
    path("join/", views.join, name="join"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("account/", views.account, name="account"),
    path("account/name/", views.name, name="name"),
    path("account/password/", views.password, name="password"),
    path("account/inbox/", inbox_views.inbox_page, name="inbox"),
    path("account/inbox/reading/", inbox_views.reading, name="inbox-reading"),
    path("account/addresses/", views.addresses, name="addresses"),
    path("account/addresses/<slug:code>/", views.address, name="address"),
    path("account/addresses/<slug:code>/deletion/", views.address_deletion, name="address-deletion"),
    path("account/addresses/<slug:code>/default/", views.address_default, name="address-default"),
]
