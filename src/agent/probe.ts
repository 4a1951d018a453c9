import { execFile } from 'node:child_process';
import type { Desk } from '../ledger/desk.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';

/** `quiet`: nobody answered. `unknown`: it could not be asked, and why. */
export type Probed =
  | { readonly is: 'quiet' }
  | { readonly is: 'squatted'; readonly mac: string }
  | { readonly is: 'unknown'; readonly why: string };

/** Is anybody there? Never throws, save the signal's reason. */
export type Probe = (pool: string, address: string, signal: AbortSignal) => Promise<Probed>;

export interface ArpOptions {
  readonly interface: string;
  readonly address: string;
  /** Longest that it may take, whole seconds. */
  readonly withinSeconds: number;
  /** How it is run; default the program `arping` of iputils. */
  readonly argv?: readonly string[];
}

/** Probes to send, one a second, as RFC 5227 §2.1.1 has it. */
const PROBES = 3;
const MAC = /\[([0-9a-f]{2}(?::[0-9a-f]{2}){5})\]/i;
const MOST_OUTPUT_BYTES = 64 * 1024;

/**
 * Asks by ARP whether anybody has an address, from no address of one's own (RFC 5227 §2.1).
 *
 * @see arping(8) of iputils: `-D` ends with 0 when nobody answered, and 1 when somebody did
 * @throws the signal's reason
 */
export async function arpProbe(
  { interface: device, address, withinSeconds, argv = ['arping'] }: ArpOptions,
  signal: AbortSignal,
): Promise<Probed> {
  const [program = 'arping', ...first] = argv;
  const probes = String(Math.max(1, Math.min(PROBES, withinSeconds)));
  const timing = ['-c', probes, '-w', String(withinSeconds)];
  const { fault, stdout } = await ran(program, [...first, '-D', '-I', device, ...timing, address], {
    signal,
    timeoutMs: (withinSeconds + 2) * 1_000,
  });
  signal.throwIfAborted();
  const mac = MAC.exec(stdout)?.[1];
  if (mac !== undefined) return { is: 'squatted', mac: mac.toLowerCase() };
  return fault === undefined ? { is: 'quiet' } : { is: 'unknown', why: fault };
}

function ran(
  program: string,
  args: readonly string[],
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<{ readonly fault?: string; readonly stdout: string }> {
  return new Promise((resolve) => {
    const options = { signal, timeout: timeoutMs, maxBuffer: MOST_OUTPUT_BYTES };
    execFile(program, args, options, (fault, stdout, stderr) => {
      if (!fault) resolve({ stdout });
      else resolve({ stdout, fault: stderr.trim() || fault.message });
    });
  });
}

export interface ProbeDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The link on whose wire a pool's addresses are; undefined: it is not probed. */
  readonly interfaceOf: (pool: string) => string | undefined;
  /** An address that was found quiet so recently is not asked for again, ms; default 600,000. */
  readonly againAfterMs?: number;
  readonly withinSeconds?: number;
  readonly argv?: readonly string[];
}

const AGAIN_AFTER_MS = 600_000;
const WITHIN_SECONDS = 3;
const MOST_REMEMBERED = 4_096;

/** Probes an address the first time in a while. What cannot be probed is passed, and logged once. */
export function arpProbes(deps: ProbeDeps): Probe {
  const { clock, log, interfaceOf, againAfterMs = AGAIN_AFTER_MS } = deps;
  const quietMs = new Map<string, number>();
  const told = new Set<string>();
  return async (pool, address, signal) => {
    const device = interfaceOf(pool);
    if (device === undefined) return { is: 'unknown', why: `no link of pool "${pool}"` };
    const key = `${pool} ${address}`;
    if (clock.now() - (quietMs.get(key) ?? -Infinity) < againAfterMs) return { is: 'quiet' };
    const { withinSeconds = WITHIN_SECONDS, argv } = deps;
    const options = { interface: device, address, withinSeconds, ...(argv && { argv }) };
    const probed = await arpProbe(options, signal);
    if (quietMs.size >= MOST_REMEMBERED) quietMs.clear();
    if (probed.is === 'quiet') quietMs.set(key, clock.now());
    if (probed.is === 'unknown' && !told.has(pool)) {
      told.add(pool);
      log.warn('addresses of a pool are not probed', { pool, device, why: probed.why });
    }
    return probed;
  };
}

/** Nobody gets it until a person has looked. What it says is what `corral pool quarantine list` shows. */
export const quarantineSquatted = (
  desk: Pick<Desk, 'quarantine'>,
  { mac, ...at }: { readonly pool: string; readonly address: string; readonly mac: string },
  signal: AbortSignal,
): Promise<void> => desk.quarantine(at, `in use by ${mac}`, signal);
