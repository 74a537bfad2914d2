# The hub alone: no compiler, no tools, not root, and nothing to write but /data.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/fhirhub
COPY requirements-serve.lock ./
RUN /opt/fhirhub/bin/pip install --no-cache-dir --require-hashes -r requirements-serve.lock
COPY pyproject.toml README.md LICENSE ./
COPY fhirhub fhirhub
RUN /opt/fhirhub/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin fhirhub \
 && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/fhirhub /opt/fhirhub
ENV PATH=/opt/fhirhub/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    FHIRHUB_HOST=0.0.0.0 \
    FHIRHUB_PORT=8000 \
    FHIRHUB_DATABASE=sqlite:///data/hub.db \
    FHIRHUB_SECRET_FILE=/data/hub.secret \
    FHIRHUB_LOG_FORMAT=json
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['FHIRHUB_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["fhirhub"]
CMD ["serve"]
