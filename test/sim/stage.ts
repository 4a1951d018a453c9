import { createSim, type Sim, type SimOptions } from '../../src/sim/sim.ts';
import { createVirtualClock, type VirtualClock } from '../../src/sim/virtual-clock.ts';
import { type FixedPools, fixedPools } from './pools.ts';

export interface OpenSim {
  readonly sim: Sim;
  readonly clock: VirtualClock;
  readonly pools: FixedPools;
  readonly marathonUrl: string;
  readonly mesosUrl: string;
  /** What escaped inside the world; a test that ends with one has found a bug. */
  readonly faults: unknown[];
  /** One request to Marathon; `body` is sent as JSON unless it is a string already. */
  readonly ask: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // What a test expects to find it reads without ceremony; a wrong shape fails the test.
  readonly json: any;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

export const askAt = async (
  base: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = { 'Content-Type': 'application/json' },
): Promise<Answer> => {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${base}${path}`, {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(180_000),
    ...(body !== undefined && { body: sent, headers }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
};

/** A simulated cluster on a virtual clock and free ports; close it with `sim.stop()`. */
export const openSim = async (
  options: Partial<SimOptions> = {},
  pools: FixedPools = fixedPools({}),
): Promise<OpenSim> => {
  const clock = createVirtualClock();
  const faults: unknown[] = [];
  const sim = createSim({
    clock,
    seed: 7,
    addresses: pools,
    marathon: { port: 0 },
    mesos: { port: 0 },
    onFault: (fault) => faults.push(fault),
    ...options,
  });
  const urls = await sim.start();
  return {
    sim,
    clock,
    pools,
    faults,
    ...urls,
    ask: (method, path, body, headers) => askAt(urls.marathonUrl, method, path, body, headers),
  };
};
