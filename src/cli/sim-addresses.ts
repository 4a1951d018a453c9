import { askedRates } from '../agent/asked-rates.ts';
import { firstHeard, ratesOf, type Rates } from '../core/container-rates.ts';
import { Refusal } from '../core/errors.ts';
import { FailureLog } from '../ledger/failure-log.ts';
import { shortageIn } from '../ledger/failures.ts';
import { keys, prefixes } from '../ledger/keys.ts';
import { takeAddress } from '../ledger/leases.ts';
import { records } from '../ledger/records.ts';
import { releaseAddress } from '../ledger/release.ts';
import type { Store } from '../ledger/store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { AddressSource, TakeRequest } from '../sim/addresses.ts';

export interface LedgerAddressesDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** How long a released address rests, ms. */
  readonly coolDownMs?: number;
}

/** Docker waits for ever, and a ledger that is slow is not one without addresses. */
const WITHIN_MS = 30_000;

/**
 * Hands out addresses on pretend nodes with the very code that hands them out on real ones: the ledger's
 * leases. Networks that Corral does not manage need none. A launch that fails for lack of room is told in
 * the ledger before it is answered, so that no time passes between the two.
 */
export function ledgerAddresses(deps: LedgerAddressesDeps): AddressSource {
  const failures = new FailureLog(deps.store);
  return {
    take: async (request) => {
      const given: string[] = [];
      try {
        for (const network of request.networks) {
          const address = await takeOne(deps, { request, network }).catch((fault: unknown) =>
            told({ ...deps, failures }, { request, network }, fault),
          );
          if (address !== undefined) given.push(address);
        }
        return { ok: true, addresses: given };
      } catch (fault) {
        for (const address of given) await giveOne(deps, { ...request, address });
        if (!(fault instanceof Refusal)) throw fault;
        return { ok: false, message: `${fault.message}; ${fault.remedy}` };
      }
    },
    give: async ({ node, task }) => {
      const signal = AbortSignal.timeout(WITHIN_MS);
      const prefix = prefixes.leasesOf(node);
      const { entries } = await deps.store.range({ prefix, limit: 10_000 }, signal);
      for (const entry of entries)
        if (records.lease.decode(entry).incarnation === task) {
          const address = decodeURIComponent(entry.key.slice(prefix.length));
          await giveOne(deps, { node, task, address });
        }
    },
  };
}

interface One {
  readonly request: TakeRequest;
  readonly network: string;
}

async function takeOne(deps: LedgerAddressesDeps, { request, network }: One) {
  const signal = AbortSignal.timeout(WITHIN_MS);
  if (!(await deps.store.get(keys.network(network), signal))) return undefined;
  const { node, attributes, app, task } = request;
  const limits = await limitsOf(deps, { request, network }, signal);
  const ask = { node, attributes, network, app, task, incarnation: task, ...limits };
  const grant = await takeAddress(deps.store, ask, { ...deps, signal });
  return grant.address;
}

type Telling = LedgerAddressesDeps & { readonly failures: FailureLog };

async function told(
  { clock, failures }: Telling,
  { request: { node, app, task }, network }: One,
  fault: unknown,
): Promise<never> {
  const short = shortageIn(fault);
  if (short === undefined || !(fault instanceof Refusal)) throw fault;
  failures.add({ atMs: clock.now(), node, app, task, network, short, why: fault.message });
  await failures.flush(AbortSignal.timeout(WITHIN_MS));
  throw fault;
}

/**
 * A label of the network, as CNI gets it; else the environment, else what the gate admitted by labels that
 * Docker does not get, else the network's default.
 */
function limitsOf(
  { store }: LedgerAddressesDeps,
  { request: { app, task, env, labels }, network }: One,
  signal: AbortSignal,
): Promise<Rates> {
  const [byLabel, byEnv] = [labels[network] ?? {}, env].map((words) =>
    ratesOf(new Map(Object.entries(words)), NAMES),
  );
  const asking = { container: task, app, network, labels: {} };
  return askedRates({ store, names: NAMES }, firstHeard([byLabel, byEnv]), asking, signal);
}

const NAMES = { in: 'net_in', out: 'net_out' };

async function giveOne(
  deps: LedgerAddressesDeps,
  { node, task, address }: { node: string; task: string; address: string },
): Promise<void> {
  const options = { ...deps, signal: AbortSignal.timeout(WITHIN_MS) };
  await releaseAddress(deps.store, { node, address, incarnation: task }, options);
}
