"""What a server runs.

Start it with `OTEL_SERVICE_NAME=shop gunicorn shop.wsgi --workers 2`.
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()
