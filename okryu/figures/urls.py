"""The public figures."""

from django.urls import path

from okryu.figures import views

app_name = "figures"
urlpatterns = [path("", views.figures_page, name="figures")]
