import { Agent } from 'node:http';
import process from 'node:process';
// @ts-expect-error -- the package has no types of its own
import httpProxy from 'http-proxy';

const [port, to] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
httpProxy.createProxyServer({ target: `http://127.0.0.1:${to}`, agent }).listen(port, '127.0.0.1');
