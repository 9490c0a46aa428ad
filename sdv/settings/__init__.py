"""Settings, read from the environment. Safe for production as they stand: nothing secret has a default, and
SDV_LOCAL=1 (set by the embedded servers, for loopback only) is the one switch that relaxes transport security."""

from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from .environment import flag, listed, optional, required, stop_if_missing

BASE_DIR = Path(__file__).resolve().parent.parent.parent

SDV_LOCAL = flag("SDV_LOCAL")
SDV_DEMO = flag("SDV_DEMO")

SECRET_KEY = required("SDV_SECRET_KEY")
ALLOWED_HOSTS = listed(required("SDV_ALLOWED_HOSTS"))
CSRF_TRUSTED_ORIGINS = listed(optional("SDV_CSRF_TRUSTED_ORIGINS"))
DEBUG = False

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "django_cotton.apps.SimpleAppConfig",
    "pghistory",
    "pgtrigger",
    "axes",
    "csp",
    "sdv.common",
    "sdv.organisation",
    "sdv.accounts",
    "sdv.outbox",
    "registration",
    "scheduling",
    "classification",
    "sdv.flows",
    "sdv.desk",
]

MIDDLEWARE = [
    "sdv.common.requests.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "sdv.accounts.middleware.ActorMiddleware",
    "axes.middleware.AxesMiddleware",
    "sdv.desk.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "sdv.urls"
WSGI_APPLICATION = "sdv.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            # Nested by hand: partials outside, then cached, cotton, files, apps (the two packages' own
            # AppConfigs would each wrap the loaders and lose the other).
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sdv.desk.context.frame",
            ],
        },
    }
]

# A component sees its arguments and the frame, nothing of the page around it: what is missing is missed.
COTTON_ISOLATE_BY_DEFAULT = True

# Larger than any list that is imported: nobody fills the disk through a form.
FILE_UPLOAD_HANDLERS = [
    "sdv.common.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- Database -------------------------------------------------------------------------------------------------


def database(url):
    """A Django database from a libpq URL. Lock waits end after five seconds: the user is asked to try again."""
    parts = conninfo_to_dict(url) if url else {}
    pool_size = int(optional("SDV_DATABASE_POOL", "8"))
    # A misspelt name shares about a third of its trigrams with the right one (obreg, Öberg); nearest come first.
    options = {
        "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s -c pg_trgm.word_similarity_threshold=0.3"
    }
    if pool_size:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        # The rest of the URL (sslmode, sslrootcert, target_session_attrs …) is libpq's own.
        "OPTIONS": parts | options,
    }


DATABASES = {"default": database(required("SDV_DATABASE_URL"))}
# The owner of the tables: migrations and partitions only (manage.py migrate --database=owner).
if optional("SDV_OWNER_DATABASE_URL"):
    DATABASES["owner"] = database(optional("SDV_OWNER_DATABASE_URL")) | {"TEST": {"MIRROR": "default"}}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Who ------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "choose-assignment"
LOGOUT_REDIRECT_URL = "login"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "sdv.desk.views.errors.too_many"
AXES_HTTP_RESPONSE_CODE = 429
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address"]
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False

SESSION_COOKIE_AGE = 8 * 60 * 60  # a working day; seconds
SESSION_IDLE_SECONDS = 30 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = "sdv_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "sdv_csrf"
CSRF_FAILURE_VIEW = "sdv.desk.views.errors.csrf_failure"

# --- Transport ------------------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = not SDV_LOCAL
CSRF_COOKIE_SECURE = not SDV_LOCAL
SECURE_SSL_REDIRECT = not SDV_LOCAL
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 0 if SDV_LOCAL else 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = not SDV_LOCAL
SECURE_HSTS_PRELOAD = not SDV_LOCAL
if optional("SDV_PROXY_SSL_HEADER"):
    # Only set where a proxy always overwrites the header.
    SECURE_PROXY_SSL_HEADER = (optional("SDV_PROXY_SSL_HEADER"), "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# --- Language and time ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "sv"
LANGUAGES = [("sv", "Svenska")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Stockholm"

# --- Static files ---------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = optional("SDV_STATIC_ROOT", str(BASE_DIR / ".local" / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = False

# --- REST -----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "sdv.accounts.api.authentication.TokenAuthentication",
        "sdv.accounts.api.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "sdv.common.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SDV Registrering",
    "DESCRIPTION": "Patientadministration: vårdhändelser, bokningar, utcheckning, klassificering.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "sdv.accounts.api.schema.closed_bodies",
        "sdv.accounts.api.schema.only_what_is_meant",
    ],
}
# Calls that one account may make in a minute, over all web processes: a runaway loop meets it, work does not.
SDV_API_CALLS_PER_MINUTE = int(optional("SDV_API_CALLS_PER_MINUTE", "30000"))

# --- Jobs -----------------------------------------------------------------------------------------------------

BROKER_URL = required("SDV_BROKER_URL")
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "sdv"
CELERY_TIMEZONE = "Europe/Stockholm"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300, "socket_connect_timeout": 2, "socket_timeout": 5}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# Printable lists for when the system is away (PL-15): on a disk that is read without it.
SDV_DOWNTIME_FOLDER = optional("SDV_DOWNTIME_FOLDER", str(BASE_DIR / ".local" / "downtime"))
# Who delivers outbox messages: each to the address of its topic where there is one, else to a folder (docs/drift.md).
SDV_OUTBOX_CHANNEL = "sdv.adapters.channel.ByTopic"
SDV_SMS_ADDRESS = optional("SDV_SMS_ADDRESS")
SDV_PORTAL_ADDRESS = optional("SDV_PORTAL_ADDRESS")
for name, address in (("SDV_SMS_ADDRESS", SDV_SMS_ADDRESS), ("SDV_PORTAL_ADDRESS", SDV_PORTAL_ADDRESS)):
    if address and not SDV_LOCAL and not address.startswith("https://"):
        raise ImproperlyConfigured(f"{name} kräver https. Se docs/drift.md.")
SDV_OUTBOX_FOLDER = optional("SDV_OUTBOX_FOLDER", str(BASE_DIR / ".local" / "outbox"))

# Who tells of the population (registration.population_register); nobody where no address is given (docs/drift.md).
SDV_PU_ADDRESS = optional("SDV_PU_ADDRESS")
SDV_POPULATION_REGISTER = "sdv.adapters.rivta.persons.PersonService" if SDV_PU_ADDRESS else ""
SDV_PU_LOGICAL_ADDRESS = optional("SDV_PU_LOGICAL_ADDRESS", "SE165565594230-1000")
SDV_PU_CERTIFICATE = optional("SDV_PU_CERTIFICATE")
SDV_PU_KEY = optional("SDV_PU_KEY")
SDV_PU_AUTHORITIES = optional("SDV_PU_AUTHORITIES")
SDV_PU_CONSUMER = optional("SDV_PU_CONSUMER")
SDV_PU_CARE_PROVIDER = optional("SDV_PU_CARE_PROVIDER")
# How long somebody at the desk waits for it, and how long a job does.
SDV_PU_SECONDS = float(optional("SDV_PU_SECONDS", "2"))
SDV_PU_JOB_SECONDS = float(optional("SDV_PU_JOB_SECONDS", "30"))
SDV_PU_PARALLEL_CALLS = int(optional("SDV_PU_PARALLEL_CALLS", "4"))
# Persons whom the register marks as test persons are thrown away, except in test environments.
SDV_PU_TEST_PERSONS = flag("SDV_PU_TEST_PERSONS")
if (
    SDV_PU_ADDRESS
    and not SDV_LOCAL
    and not (SDV_PU_ADDRESS.startswith("https://") and SDV_PU_CERTIFICATE and SDV_PU_KEY and SDV_PU_CONSUMER)
):
    raise ImproperlyConfigured(
        "SDV_PU_ADDRESS kräver https, SDV_PU_CERTIFICATE, SDV_PU_KEY och SDV_PU_CONSUMER. Se docs/drift.md."
    )

# Ended contacts to 1177 and NPÖ (docs/vardkontakter.md): answered where this system has an HSA-id, and the engagement index
# told where it has an address.
SDV_HSA_ID = optional("SDV_HSA_ID")
SDV_EI_ADDRESS = optional("SDV_EI_ADDRESS")
SDV_EI_LOGICAL_ADDRESS = optional("SDV_EI_LOGICAL_ADDRESS")
SDV_EI_SERVICE_DOMAIN = optional("SDV_EI_SERVICE_DOMAIN", "riv:clinicalprocess:logistics:logistics")
SDV_EI_CERTIFICATE = optional("SDV_EI_CERTIFICATE", SDV_PU_CERTIFICATE)
SDV_EI_KEY = optional("SDV_EI_KEY", SDV_PU_KEY)
SDV_EI_AUTHORITIES = optional("SDV_EI_AUTHORITIES", SDV_PU_AUTHORITIES)
if SDV_EI_ADDRESS and not (SDV_HSA_ID and SDV_EI_LOGICAL_ADDRESS):
    raise ImproperlyConfigured("SDV_EI_ADDRESS kräver SDV_HSA_ID och SDV_EI_LOGICAL_ADDRESS. Se docs/vardkontakter.md.")
if (
    SDV_EI_ADDRESS
    and not SDV_LOCAL
    and not (SDV_EI_ADDRESS.startswith("https://") and SDV_EI_CERTIFICATE and SDV_EI_KEY)
):
    raise ImproperlyConfigured(
        "SDV_EI_ADDRESS kräver https, SDV_EI_CERTIFICATE och SDV_EI_KEY. Se docs/vardkontakter.md."
    )

# --- Logs: structured, with a request id, never with personal data ----------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "sdv.common.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": optional("SDV_LOG_LEVEL", "INFO")},
    "loggers": {
        # Django's own handler mails tracebacks to admins; ours writes one line without request data.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "axes": {"level": "ERROR"},
        # What they say while they lay out a letter is of no use, and may quote it.
        "fontTools": {"level": "ERROR"},
        "weasyprint": {"level": "CRITICAL"},
    },
}

stop_if_missing()
