# The gateway, as small as Python's own slim image lets it be; it runs as a user without rights.
FROM node:24-slim AS console
WORKDIR /source
COPY console console
COPY schema/schema.graphql schema/
RUN node console/build.mjs || (cat console/build.log; false)

FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
COPY --from=console /source/server/static/console server/static/console
RUN pip install --no-cache-dir --prefix=/installed -c constraints.txt ".[otel]"

FROM python:3.13-slim
RUN useradd --system --uid 10001 gateway && install -d -o gateway /data
COPY --from=build /installed /usr/local
USER gateway
WORKDIR /data
VOLUME /data
# Reached from other containers; so every request needs a key, unless GATEWAY_AUTH says otherwise.
ENV GATEWAY_HOST=0.0.0.0 GATEWAY_LOG_FORMAT=json
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["executions-gateway", "health"]
ENTRYPOINT ["executions-gateway"]
CMD ["serve"]
