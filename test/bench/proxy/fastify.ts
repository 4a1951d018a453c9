import process from 'node:process';
import proxy from '@fastify/http-proxy';
import Fastify from 'fastify';

const [port = 0, to] = process.argv.slice(2).map(Number);
const app = Fastify();
await app.register(proxy, { upstream: `http://127.0.0.1:${to}` });
await app.listen({ port, host: '127.0.0.1' });
