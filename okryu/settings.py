"""Every setting of Okryu, read from the environment (and from `.env`) by django-environ.

Development and the demo need nothing set. `PRODUCTION=1` turns on what a public shop needs and
refuses to start, with one clear line, when a secret or a host is missing (`okryu/checks.py`).
"""

import contextlib
import secrets
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

PRODUCTION = env.bool("PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)


def _secret(name: str) -> str:
    """A secret from the environment; outside production made once and kept under `var/`."""
    if value := env.str(name, default=""):
        return value
    if PRODUCTION:
        raise ImproperlyConfigured(f"{name} is not set: production does not start without it.")
    file = VAR_DIR / "secrets" / name.lower()
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = file.with_suffix(f".{secrets.token_hex(4)}")
        new.write_text(secrets.token_urlsafe(48))
        new.chmod(0o600)
        with contextlib.suppress(FileExistsError):  # of two first starts at once, one secret wins
            file.hardlink_to(new)
        new.unlink()
    return file.read_text().strip()


SECRET_KEY = _secret("SECRET_KEY")
# Keys of the simulated network's digests of card numbers and PINs. They live outside the database.
CARD_NUMBER_KEY = _secret("CARD_NUMBER_KEY")
CARD_PIN_KEY = _secret("CARD_PIN_KEY")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The address other programs and printed slips know the shop by. A closed network often has no DNS.
TLS = env.bool("TLS", default=PRODUCTION)

INSTALLED_APPS = [
    "modeltranslation",
    "unfold",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "import_export",
    "procrastinate.contrib.django",
    "accounts",
    "catalog",
    "payments",
    "payments.network",
    "orders",
    "okryu.figures",
    "okryu",
]

MIDDLEWARE = [
    "okryu.middleware.name_requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "catalog.media.serve_pictures",  # above sessions, languages and counters: files need none of them
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "okryu.middleware.security_headers",
    "okryu.middleware.refuse_unsafe_requests",
    # Outside of the ETag's middleware: a compressed body is padded at random and would never match again.
    "okryu.middleware.CompressWhereSafe",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "orders.middleware.cart_count_cookie",
    "okryu.figures.counting.count_page_views",
    "okryu.middleware.answer_when_busy",
]

ROOT_URLCONF = "okryu.urls"
WSGI_APPLICATION = "okryu.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "okryu.context.shop",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "okryu.templatetags.shop",
                "okryu.templatetags.cards",
                "okryu.templatetags.figures_tags",
            ],
        },
    }
]

# One database. Without DATABASE_URL the embedded PostgreSQL answers on its socket (okryu/embedded_postgres.py
# writes the address `make` and the tests hand on as DATABASE_URL).
DATABASE_URL = env.str("DATABASE_URL", default="")
if not DATABASE_URL:
    from okryu.embedded_postgres import default_url

    DATABASE_URL = default_url(BASE_DIR)
DATABASES = {"default": environ.Env.db_url_config(DATABASE_URL)}
DATABASES["default"] |= {
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "ATOMIC_REQUESTS": False,
}
DATABASES["default"].setdefault("OPTIONS", {})
# No page waits longer than this. `manage.py` and the job worker set it to 0: migrations and nightly jobs may take long.
_patience = env.int("STATEMENT_TIMEOUT_SECONDS", default=5)
DATABASES["default"]["OPTIONS"]["options"] = (
    f"-c lock_timeout=2s -c statement_timeout={_patience}s -c idle_in_transaction_session_timeout={_patience}s"
)
# What web and worker sign in with where DATABASE_URL is the owner's (`prepare`, `make run`).
DATABASE_APP_URL = env.str("DATABASE_APP_URL", default="")
# The process signed in as okryu_app, which owns nothing: it works as shop_app, and the card network's own transactions
# change to theirs (okryu/database_roles.py, payments/network/acting.py).
DATABASE_ROLES = env.bool("DATABASE_ROLES", default=False)
if DATABASE_ROLES:
    DATABASES["default"]["OPTIONS"]["options"] += " -c role=shop_app"
if pool_size := env.int("DATABASE_POOL", default=0):
    # Only the web processes set this: commands and the worker keep single connections.
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": pool_size,
        "timeout": 5,
        "max_lifetime": 1800,
        "max_idle": 300,
    }
DISABLE_SERVER_SIDE_CURSORS = env.bool("DISABLE_SERVER_SIDE_CURSORS", default=False)

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://okryu")}

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/account/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["phone", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.passwords.ContextWordValidator"},
    {"NAME": "accounts.passwords.StaffLengthValidator"},
]
# Called with (request, user) after every sign-in; accounts may not import the apps above it.
AFTER_SIGN_IN = ["orders.cart.merge_on_sign_in"]

SESSION_ENGINE = "accounts.sessions"  # members 14 days idle, 30 in all; staff 30 minutes, 12 hours
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-s" if TLS else "s"
CSRF_COOKIE_NAME = "__Host-c" if TLS else "c"
DEVICE_COOKIE_NAME = "__Host-d" if TLS else "d"  # accounts/known_device.py
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = TLS
DISTRICT_COOKIE_NAME = "district"
CART_COOKIE_NAME = "cart"
CART_COUNT_COOKIE_NAME = "cart_count"
CSRF_FAILURE_VIEW = "okryu.errors.csrf_failure"

SECURE_SSL_REDIRECT = TLS and env.bool("SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 63072000 if TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = TLS
SECURE_HSTS_PRELOAD = TLS
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
if BEHIND_PROXY:  # only where the proxy overwrites the header
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'"
)
# unfold drives its admin pages with Alpine.js, which needs these; /admin/desk/ keeps the strict policy.
ADMIN_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)

# Where the shop stands for the world, like https://shop.example: canonical links name it. A host header never does.
SHOP_ADDRESS = env("SHOP_ADDRESS", default="").rstrip("/")

DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000  # an admin form with twenty variants has some six hundred
DATA_UPLOAD_MAX_NUMBER_FILES = 20
UPLOAD_LIMIT_BYTES = 12 * 1024 * 1024  # whole requests; okryu.middleware refuses more before reading
RETURN_LIMIT_BYTES = 6 * 1024 * 1024  # a return's form with its photograph, at that form alone
IMPORT_LIMIT_BYTES = 25 * 1024 * 1024  # a catalogue's file, at the import desk alone

LANGUAGE_CODE = "ko-kp"
LANGUAGES = [("ko-kp", "조선어"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Pyongyang"
FORMAT_MODULE_PATH = ["okryu.formats"]

# Django ships only `ko` in southern spelling; ours falls back to it and overrides it.
from django.conf.locale import LANG_INFO  # noqa: E402

LANG_INFO["ko-kp"] = {"bidi": False, "code": "ko-kp", "name": "Korean", "name_local": "조선어"}

MODELTRANSLATION_DEFAULT_LANGUAGE = "ko-kp"
MODELTRANSLATION_FALLBACK_LANGUAGES = ("ko-kp",)

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "okryu.staticfiles.ShopStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 31536000

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "okryu.logs.OneLineFormatter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
        # Whoever tries foreign names gets a 400 and a line in the access log; a traceback each would fill the disk.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        "procrastinate": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},  # tells every table of every receipt
    },
}

# ---------------------------------------------------------------- the shop
# The operator's gateway for short messages, behind accounts/sms.py; the one given only writes them to the log.
SMS_SENDER = env.str("SMS_SENDER", default="accounts.sms.ConsoleSender")
PAYMENT_GATEWAY = env.str("PAYMENT_GATEWAY", default="payments.network.gateway.SimulatedGateway")
# Loses, repeats, delays and garbles calls to the network on purpose, for demonstrations: payments/faults.py.
PAYMENT_FAULTS = env.str("PAYMENT_FAULTS", default="")
PAYMENT_FAULTS_IN_PRODUCTION = env.bool("PAYMENT_FAULTS_IN_PRODUCTION", default=False)
NETWORK_TIMEOUT_SECONDS = 5
AUTHORISATION_LIFE_DAYS = 7
CARD_SEND_FEE = 10  # whole won for sending money from card to card
# The issuer's maximum for a card: won in one payment, won a day, payments a day; and what the desk may allow beyond.
CARD_LIMITS = (500_000, 1_000_000, 20)
CARD_LIMITS_AT_DESK = (5_000_000, 10_000_000, 100)
CARD_CLAIM_DAYS = 7  # after a sending, to call it a mistake
CARD_CLAIM_ANSWER_DAYS = 14  # after a claim, to answer it
CARD_YEARS = 5  # a new card is valid
COMMISSION_BASIS_POINTS = {"restaurant": 0, "shop": 300, "producer": 300}
ORDER_HOLD_MINUTES = 15
ORDER_HOLD_EXTENSIONS = 4
FIGURES_FLUSH_SECONDS = 5  # page views gather in memory for so long
ORDER_DESK_PHONE = "1919000002"
ORDER_LIMIT_WON = 10_000_000  # one order; far above any household's, far below any overflow
CART_LINE_LIMIT = 50
CART_QUANTITY_LIMIT = 99
DELIVERY_WINDOWS = [(10, 12), (12, 14), (14, 16), (16, 18), (18, 20)]
DELIVERY_DAYS_AHEAD = 7
SLOT_CAPACITY = {"motorbike": 8, "van": 4}
VAN_FEE_FACTOR = 4
DISH_ZONE_MINIMUM_WON = {"A": 0, "B": 1_000}  # zones not named get no dishes
MINIMUM_AGE_LIQUOR = 17
MEDICINE_BOXES_PER_WEEK = 3
# Goods come back unopened within so many days, spoiled food within so many hours and with a photograph.
RETURN_DAYS = 7
RETURN_SPOILED_HOURS = 24
# How categories (and those inside them) differ: "sealed" never comes back once opened, "food" may spoil, a "dish" is
# cooked to order. Whatever is not named is goods.
RETURN_RULES = {
    "cosmetics": "sealed",
    "medicine": "sealed",
    "dishes": "dish",
    "bread-sweets": "food",
    "drinks": "food",
    "groceries": "food",
}
COLLECTION_HOURS = {"restaurant": 1, "shop": 24, "producer": 24}

SILENCED_SYSTEM_CHECKS: list[str] = []
UNFOLD = {
    "SITE_TITLE": _("Okryu bureau"),
    "SITE_HEADER": _("Okryu bureau"),
    "SITE_SYMBOL": "storefront",
    "SITE_FAVICONS": [{"rel": "icon", "sizes": "32x32", "type": "image/x-icon", "href": "okryu.admin.icon_address"}],
    "STYLES": ["okryu.admin.style_address"],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "SIDEBAR": {"navigation": "okryu.admin.sidebar"},
    "DASHBOARD_CALLBACK": "okryu.admin.dashboard",
    "COLORS": {
        "primary": {
            "50": "226 238 230",
            "100": "207 224 211",
            "200": "167 205 183",
            "300": "127 208 174",
            "400": "64 150 113",
            "500": "24 120 88",
            "600": "13 102 74",
            "700": "10 84 61",
            "800": "10 69 52",
            "900": "8 54 41",
            "950": "6 36 26",
        },
    },
}
PROCRASTINATE_IMPORT_PATHS = [
    "accounts.tasks",
    "catalog.tasks",
    "orders.tasks",
    "payments.tasks",
    "payments.network.tasks",
    "okryu.figures.tasks",
    "okryu.tasks",
]
