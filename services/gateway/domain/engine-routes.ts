/**
 * Every route of the Engine API 1.51 (swagger.yaml, "paths"). A request that matches one and finds no controller is something Berth cannot do
 * yet (501), and not a wrong address (404).
 */
const ROUTES = `
GET /containers/json
POST /containers/create
POST /containers/prune
GET /containers/*/json
GET /containers/*/top
GET /containers/*/logs
GET /containers/*/changes
GET /containers/*/export
GET /containers/*/stats
POST /containers/*/resize
POST /containers/*/start
POST /containers/*/stop
POST /containers/*/restart
POST /containers/*/kill
POST /containers/*/update
POST /containers/*/rename
POST /containers/*/pause
POST /containers/*/unpause
POST /containers/*/attach
GET /containers/*/attach/ws
POST /containers/*/wait
GET /containers/*/checkpoints
POST /containers/*/checkpoints
DELETE /containers/*/checkpoints/*
DELETE /containers/*
HEAD /containers/*/archive
GET /containers/*/archive
PUT /containers/*/archive
POST /containers/*/exec
POST /exec/*/start
POST /exec/*/resize
GET /exec/*/json
GET /images/json
POST /build
POST /build/prune
POST /build/cancel
POST /images/create
GET /images/*/json
GET /images/*/history
POST /images/*/push
POST /images/*/tag
DELETE /images/*
GET /images/search
POST /images/prune
GET /images/get
GET /images/*/get
POST /images/load
GET /distribution/*/json
POST /auth
GET /info
GET /version
GET /_ping
HEAD /_ping
POST /commit
GET /events
GET /system/df
POST /session
POST /grpc
GET /volumes
POST /volumes/create
GET /volumes/*
PUT /volumes/*
DELETE /volumes/*
POST /volumes/prune
GET /networks
GET /networks/*
DELETE /networks/*
POST /networks/create
POST /networks/*/connect
POST /networks/*/disconnect
POST /networks/prune
GET /plugins
GET /plugins/privileges
POST /plugins/pull
GET /plugins/*/json
DELETE /plugins/*
POST /plugins/*/enable
POST /plugins/*/disable
POST /plugins/*/upgrade
POST /plugins/create
POST /plugins/*/push
POST /plugins/*/set
GET /swarm
POST /swarm/init
POST /swarm/join
POST /swarm/leave
POST /swarm/update
GET /swarm/unlockkey
POST /swarm/unlock
GET /nodes
GET /nodes/*
DELETE /nodes/*
POST /nodes/*/update
GET /services
POST /services/create
GET /services/*
DELETE /services/*
POST /services/*/update
GET /services/*/logs
GET /tasks
GET /tasks/*
GET /tasks/*/logs
GET /secrets
POST /secrets/create
GET /secrets/*
DELETE /secrets/*
POST /secrets/*/update
GET /configs
POST /configs/create
GET /configs/*
DELETE /configs/*
POST /configs/*/update
`
  .trim()
  .split('\n')
  .map((line) => {
    const [method = '', path = ''] = line.split(' ');
    return { method, pattern: new RegExp(`^${path.replaceAll('*', '[^/]+')}$`) };
  });

const EXPERIMENTAL = /^\/containers\/[^/]+\/checkpoints(\/|$)/;

/** Of a route that there is and nobody serves: what it says. */
export function missingRoute(method: string, path: string): string {
  if (EXPERIMENTAL.test(path)) return 'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.';
  return `Berth does not support ${method} ${path} yet`;
}

/** `path` has no version and no query. */
export function isEngineRoute(method: string, path: string): boolean {
  return ROUTES.some((route) => route.method === method && route.pattern.test(path));
}
