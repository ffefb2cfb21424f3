"""The WSGI entry point gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from okryu.checks import stop_if_unsafe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "okryu.settings")
stop_if_unsafe()
application = get_wsgi_application()
