import process from 'node:process';
import { createPermits } from '../../../src/gate/bounds.ts';
import { createForwarder } from '../../../src/gate/forward.ts';
import { createGate, createGateServer } from '../../../src/gate/server.ts';
import { inTurn } from '../../../src/gate/upstream.ts';
import { silentLog } from '../../../src/plumbing/log.ts';

/** The gate as `corral gate` builds it; a read goes around its chain. */
const [port, to] = process.argv.slice(2).map(Number);
const bounds = {
  maxHeadBytes: 32 * 1024,
  headWithinMs: 10_000,
  requestWithinMs: 300_000,
  keepAliveMs: 30_000,
  stallMs: 120_000,
};
const forwarder = createForwarder({
  endpoints: inTurn([new URL(`http://127.0.0.1:${to}`)]),
  connections: 64,
  headersWithinMs: 10_000,
  log: silentLog,
});
const app = createGate({
  forwarder,
  judge: { judge: () => Promise.reject(new Error('a read was judged')) },
  permits: createPermits(64),
  log: silentLog,
  bounds: { maxTarget: 8192, maxHeaders: 100, maxBytes: 1024 * 1024, withinMs: 10_000 },
  plugins: 'pass',
});
createGateServer(app, bounds).listen(port, '127.0.0.1');
