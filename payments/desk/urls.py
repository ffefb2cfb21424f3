"""Addresses of the money desks, mounted at /admin/desk/money/."""

from django.urls import path

from payments.desk import audit

app_name = "money"
urlpatterns = [
    path("audit/", audit.audit, name="audit"),
    path("audit/runs/", audit.runs, name="audit-runs"),
]
