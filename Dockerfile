FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY cpamp cpamp
COPY twisted twisted
RUN python -m venv /opt/cpamp && /opt/cpamp/bin/pip install --no-cache-dir .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home /data cpamp && install -d -o cpamp -g cpamp -m 0700 /data
COPY --from=build /opt/cpamp /opt/cpamp
ENV PATH=/opt/cpamp/bin:$PATH \
    HTTP_ADDR=0.0.0.0:18317 \
    USAGE_DATA_DIR=/data \
    USAGE_DB_PATH=/data/usage.sqlite
USER cpamp
WORKDIR /data
VOLUME /data
EXPOSE 18317
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:18317/health', timeout=4)"]
ENTRYPOINT ["twistd", "--nodaemon", "--pidfile=", "cpamp"]
