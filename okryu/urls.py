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

handler400 = "okryu.errors.bad_request"
handler403 = "okryu.errors.permission_denied"
handler404 = "okryu.errors.not_found"
handler500 = "okryu.errors.server_error"
