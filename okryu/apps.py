from django.apps import AppConfig


class OkryuConfig(AppConfig):
    name = "okryu"
    label = "okryu"

    def ready(self) -> None:
        from okryu import checks  # noqa: F401, PLC0415  registers the system checks
