"""Help, about, language, health: pages of no single app."""

from django.urls import path

from okryu import desk, health, views

app_name = "shop"
urlpatterns = [
    path("help/", views.help_page, name="help"),
    path("about/", views.about, name="about"),
    path("language/", views.language, name="language"),
    path("robots.txt", views.robots, name="robots"),
    path("admin/desk/", desk.index, name="desk"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
