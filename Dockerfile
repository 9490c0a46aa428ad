# One image for web, worker, beat and migrations. The lock file without [embedded] and [dev]: no server and no test tool
# comes along.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements-production.lock /build/
RUN /opt/venv/bin/pip install --require-hashes --only-binary=:all: -r /build/requirements-production.lock

FROM python:3.11-slim-bookworm
# Pango: letters as PDF.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 sdv \
    && useradd --system --uid 10001 --gid sdv --no-create-home --shell /usr/sbin/nologin sdv \
    && install --directory --owner=sdv --group=sdv /var/lib/sdv /var/lib/sdv/outbox
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=sdv.settings \
    SDV_STATIC_ROOT=/srv/static \
    SDV_OUTBOX_FOLDER=/var/lib/sdv/outbox
WORKDIR /srv/sdv
COPY --from=build /opt/venv /opt/venv
COPY LICENSE manage.py pyproject.toml ./
COPY sdv ./sdv
COPY registration ./registration
COPY scheduling ./scheduling
COPY classification ./classification
COPY templates ./templates
COPY static ./static
# The settings want their variables; these hold for this line only and reach no server.
RUN SDV_SECRET_KEY=only-while-building SDV_ALLOWED_HOSTS=none SDV_DATABASE_URL=postgresql://none \
    SDV_BROKER_URL=redis://none SDV_DATABASE_POOL=0 \
    python manage.py collectstatic --no-input --verbosity=0
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 CMD ["python", "-m", "sdv.common.probe"]
CMD ["gunicorn", "sdv.wsgi:application", "--bind=0.0.0.0:8000", "--workers=2", "--worker-class=gthread", "--threads=4", "--worker-tmp-dir=/dev/shm", "--no-control-socket"]
