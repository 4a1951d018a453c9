import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';

/**
 * The smallest Marathon that a gate can stand before: it keeps the apps it is given and starts nothing.
 * A process of its own; prints its port. Its deployments are over at once, so promises end.
 */
const apps = new Map<string, string>();
const LATENCY_NONE = { 'Content-Type': 'application/json' };
const info = {
  name: 'marathon',
  version: '1.11.24',
  frameworkId: 'bench',
  leader: '127.0.0.1:8080',
  marathon_config: { local_port_min: 10_000, local_port_max: 20_000 },
};
let deployments = 0;

const answer = (res: ServerResponse, status: number, body: object, more: object = {}): void => {
  const text = JSON.stringify(body);
  const length = { 'Content-Length': Buffer.byteLength(text) };
  res.writeHead(status, { ...LATENCY_NONE, ...length, ...more }).end(text);
};

const created = (res: ServerResponse, body: string): void => {
  const app = JSON.parse(body) as { id: string };
  if (apps.has(app.id)) return answer(res, 409, { message: `An app with id [${app.id}] exists` });
  apps.set(app.id, body);
  const id = `deployment-${(deployments += 1)}`;
  answer(res, 201, { ...app, deployments: [{ id }] }, { 'Marathon-Deployment-Id': id });
};

const dropped = (res: ServerResponse, id: string): void => {
  apps.delete(id);
  answer(res, 200, { version: '2026-01-01T00:00:00.000Z', deploymentId: 'gone' });
};

const APPS = '/v2/apps';

function route(res: ServerResponse, request: string, body: string): void {
  const [method = '', target = ''] = request.split(' ');
  const id = target.slice(APPS.length);
  if (request === 'GET /v2/info') return answer(res, 200, info);
  if (request === 'GET /v2/leader') return answer(res, 200, { leader: info.leader });
  if (request === 'GET /v2/deployments') {
    const none = '[]';
    res.writeHead(200, { ...LATENCY_NONE, 'Content-Length': none.length }).end(none);
    return;
  }
  if (method === 'POST' && target === APPS) return created(res, body);
  if (method === 'DELETE' && target.startsWith(APPS)) return dropped(res, id);
  const app = apps.get(id);
  if (method === 'GET' && app !== undefined)
    return answer(res, 200, { app: JSON.parse(app) as object });
  return answer(res, 404, { message: `${request} is not known` });
}

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const path = (req.url ?? '').split('?')[0];
    route(res, `${req.method} ${path}`, Buffer.concat(chunks).toString());
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
