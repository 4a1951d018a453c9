import { mkdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** One proxy to measure: how it is started in `dir`, listening on `port`, for the upstream on `to`. */
export interface Subject {
  readonly name: string;
  readonly command: (place: Place) => readonly string[];
}

export interface Place {
  readonly dir: string;
  readonly port: number;
  readonly to: number;
}

/** Node proxies run as the gate does: compiled, in plain Node. */
const node =
  (name: string) =>
  ({ port, to }: Place) => [
    'node',
    join(import.meta.dirname, name + extname(import.meta.filename)),
    `${port}`,
    `${to}`,
  ];

export const subjects: readonly Subject[] = [
  { name: 'nginx, default buffers', command: nginxProxy('') },
  {
    name: 'nginx, large buffers',
    command: nginxProxy('proxy_buffers 8 64k; proxy_buffer_size 64k;'),
  },
  { name: 'haproxy', command: haproxy },
  { name: 'corral gate', command: node('gate') },
  { name: 'node:http + undici, bare', command: node('bare') },
  { name: '@fastify/http-proxy', command: node('fastify') },
  { name: 'http-proxy', command: node('http-proxy') },
];

/** The upstream of all of them: files of 1 KB and 200 KB from memory. */
export function upstream({ dir, port }: Omit<Place, 'to'>): readonly string[] {
  const root = join(dir, 'files');
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, '1k'), Buffer.alloc(1024, 'x'));
  writeFileSync(join(root, '200k'), Buffer.alloc(200 * 1024, 'x'));
  return nginx(
    dir,
    `server { listen 127.0.0.1:${port}; root ${root}; keepalive_requests 1000000; }`,
  );
}

function nginxProxy(buffers: string): Subject['command'] {
  return ({ dir, port, to }) =>
    nginx(
      dir,
      `upstream it { server 127.0.0.1:${to}; keepalive 64; keepalive_requests 1000000; }
       server { listen 127.0.0.1:${port}; keepalive_requests 1000000;
         location / { proxy_pass http://it; proxy_http_version 1.1; proxy_set_header Connection ""; ${buffers} } }`,
    );
}

function nginx(dir: string, servers: string): readonly string[] {
  mkdirSync(dir, { recursive: true });
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const conf = `daemon off; master_process off; worker_processes 1; error_log stderr crit;
    pid ${dir}/nginx.pid; events { worker_connections 1024; }
    http { access_log off; sendfile on; tcp_nopush on; open_file_cache max=10;
      ${paths.map((path) => `${path}_temp_path ${dir}/${path};`).join(' ')} ${servers} }`;
  writeFileSync(join(dir, 'nginx.conf'), conf);
  return ['nginx', '-p', dir, '-c', join(dir, 'nginx.conf')];
}

function haproxy({ dir, port, to }: Place): readonly string[] {
  mkdirSync(dir, { recursive: true });
  const conf = `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  http-reuse always
  server it 127.0.0.1:${to}
`;
  writeFileSync(join(dir, 'haproxy.cfg'), conf);
  return ['haproxy', '-db', '-f', join(dir, 'haproxy.cfg')];
}
