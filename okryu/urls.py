"""Every page of the shop. Names are app:kebab-noun."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("catalog.urls")),
    path("", include("orders.urls")),
    path("", include("accounts.urls")),
    path("card/", include("payments.network.urls")),
    path("figures/", include("okryu.figures.urls")),
    path("", include("okryu.pages")),
    path("admin/", admin.site.urls),
]
