"""Help, about, language: pages of no single app."""

from django.urls import path

from okryu import views

app_name = "shop"
urlpatterns = [
    path("help/", views.help_page, name="help"),
    path("about/", views.about, name="about"),
    path("language/", views.language, name="language"),
    path("robots.txt", views.robots, name="robots"),
]
