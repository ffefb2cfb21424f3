"""Every page of the shop. Names are app:kebab-noun."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views import sign_out
from okryu import views

urlpatterns = [
    path("", include("catalog.urls")),
    path("", include("orders.urls")),
    path("", include("accounts.urls")),
    path("card/", include("payments.network.urls")),
    path("figures/", include("okryu.figures.urls")),
    path("", include("okryu.pages")),
    path("admin/desk/catalogue/", include("catalog.importing.urls")),
    path("admin/desk/search/", include("catalog.search.desk")),
    path("admin/desk/money/", include("payments.desk.urls")),
    path("admin/desk/cards/", include("payments.network.desk_urls")),
    # Staff sign in where everyone does: guesses are counted there, and only there.
    path("admin/login/", views.admin_sign_in),
    path("admin/logout/", sign_out),
    path("admin/password_change/", RedirectView.as_view(pattern_name="accounts:password")),
    path("admin/", admin.site.urls),
]

handler400 = "okryu.errors.bad_request"
handler403 = "okryu.errors.permission_denied"
handler404 = "okryu.errors.not_found"
handler500 = "okryu.errors.server_error"
