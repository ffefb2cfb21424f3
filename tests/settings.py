"""Settings of the test run: fast password hashes, plain static files, no pool."""

from okryu.settings import *  # noqa: F403

SECRET_KEY = "test-only"
CARD_NUMBER_KEY = "test-only-number"
CARD_PIN_KEY = "test-only-pin"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
FIGURES_FLUSH_SECONDS = 0  # no thread; tests flush themselves
# A test holds one transaction over all its steps, on a machine that may be doing much else; the last one named counts.
DATABASES["default"]["OPTIONS"]["options"] += (  # noqa: F405
    " -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
)
