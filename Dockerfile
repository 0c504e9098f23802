# Two images from one build: --target controller and --target agent (with QEMU inside). Neither runs as root.
# Debian's QEMU 7.2 is in the agent's image on purpose: hosts of one pool need the same machine type.

FROM node:20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY .swcrc nest-cli.json tsconfig.json prisma.config.ts ./
COPY prisma prisma
COPY libs libs
COPY apps apps
# Nothing of this needs a database or the network: Prisma's client is generated from the schema alone.
RUN node apps/lab/build.mjs && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim AS base
# The same number in both images, because they share the datastore's files.
RUN groupadd --gid 10001 argosy \
 && useradd --uid 10001 --gid argosy --home-dir /var/lib/argosy --no-create-home --shell /usr/sbin/nologin argosy \
 && install -d -m 0755 -o argosy -g argosy /var/lib/argosy /var/lib/argosy/datastore \
 && install -d -m 0700 -o argosy -g argosy /var/lib/argosy/state /run/argosy
WORKDIR /opt/argosy
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY prisma prisma
# The agent tries KVM with the tiny guest; the controller's image has it for the first image of a new fleet.
COPY guests/tiny guests/tiny
ENV NODE_ENV=production \
    ARGOSY_STATE_FOLDER=/var/lib/argosy/state

FROM base AS controller
COPY apps/controller/src/http/pages apps/controller/src/http/pages
COPY bin bin
# So that `docker compose exec controller argosy …` needs no flags: the first administrator's token is beside it.
RUN ln -s /opt/argosy/bin/argosy.mjs /usr/local/bin/argosy \
 && printf '{ "server": "http://127.0.0.1:8080", "tokenFile": "/var/lib/argosy/state/token" }\n' > /etc/argosy.json
ENV ARGOSY_CONFIG=/etc/argosy.json \
    ARGOSY_LISTEN_ADDRESS=0.0.0.0
USER argosy
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.ARGOSY_PORT || 8080) + '/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/apps/controller/src/main.js"]

FROM base AS agent
RUN apt-get update \
 && apt-get install -y --no-install-recommends qemu-system-x86 qemu-utils ovmf \
 && rm -rf /var/lib/apt/lists/*
COPY apps/lab/supervisor.sh apps/lab/supervisor.sh
USER argosy
# Whether the agent answers where other agents ask it; whether it has joined is for the controller to say.
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 \
  CMD ["node", "-e", "const { port } = JSON.parse(require('fs').readFileSync(process.env.ARGOSY_STATE_FOLDER + '/peer.json', 'utf8')); require('net').connect(port, process.env.ARGOSY_LISTEN_ADDRESS || '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"]
# The supervisor is the first process: it keeps the agent running over the heads of its guests, collects what a dead
# agent leaves behind, and keeps the heartbeat on the datastore beating. A join token may come in a file as well.
CMD ["sh", "-c", "export ARGOSY_JOIN_TOKEN=\"${ARGOSY_JOIN_TOKEN:-$(cat /run/argosy/join-token 2>/dev/null)}\"; exec sh apps/lab/supervisor.sh \"$ARGOSY_DATASTORE_FOLDER/heartbeats/$ARGOSY_HOST\" node --enable-source-maps dist/apps/agent/src/main.js"]
