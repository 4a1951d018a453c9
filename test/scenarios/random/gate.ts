import { type GateInside, startGateInside } from '../../../src/cli/gate-inside.ts';
import { ownMarathon } from '../../../src/cli/marathon.ts';
import { marathonClientOn } from '../../../src/cluster/marathon/client.ts';
import { createEndpoints } from '../../../src/cluster/marathon/endpoints.ts';
import { recognise } from '../../../src/cluster/marathon/routes.ts';
import { type Settings, settingsSchema } from '../../../src/config/settings.ts';
import { Refusal } from '../../../src/core/errors.ts';
import { statusFor } from '../../../src/gate/answers.ts';
import type { Ruling } from '../../../src/gate/judge.ts';
import type { Fields, Log } from '../../../src/plumbing/log.ts';
import type { World as SimWorld } from '../../../src/sim/world.ts';
import type { SimulatedLedger } from '../../fakes/simulated-store.ts';
import type { Life, World } from '../../fakes/simulated-world.ts';
import type { Looker } from './looker.ts';
import { askMarathon, marathonTransport, mesosInside, type Request, wire } from './inside.ts';

/** How a client's change went. */
export interface Heard {
  readonly status: number;
  /** admit, reroute, hold, pass; the code of a refusal; nothing where nobody judged. */
  readonly verdict?: string;
  readonly message?: string;
}

/** A gate process in front of the pretend cluster: all of it but its port. */
export interface RandomGate {
  readonly life: Life;
  readonly inside: GateInside;
  /** A client's request, judged and passed on as the chain of server.ts does. */
  request(request: Request): Promise<Heard>;
}

export interface GateWorld {
  readonly ledger: SimulatedLedger;
  readonly sim: SimWorld;
  readonly settings: Settings;
  readonly looker: Looker;
  /** How wrong the gates' clocks are. */
  readonly skew: { readonly ms: number };
}

export const settingsFrom = (stated: unknown): Settings => {
  const { value, error } = settingsSchema.validate(stated);
  if (error) throw error;
  return value;
};

/** Starts a process of that name; it ends with its life. */
export function startGate(deps: GateWorld, name: string): RandomGate {
  const { ledger, sim, settings, looker, skew } = deps;
  const { world } = ledger;
  const life = world.live(name);
  const log = tracedLog(world, name);
  const { sleep } = world.clockOf(life);
  const clock = { sleep, now: () => world.now() + skew.ms };
  const over = wire(world, life);
  const marathon = ownMarathon({
    endpoints: createEndpoints(['http://marathon.example.org:8080'], clock),
    client: marathonClientOn(marathonTransport(sim, over)),
    clock,
  });
  const mesos = mesosInside(sim, over, (call) => looker.called(name, call));
  const names = { id: () => world.chance.uuid(), mark: () => world.chance.uuid().slice(0, 8) };
  const store = ledger.client(life);
  const inside = startGateInside({ settings, marathon, mesos, store, clock, log, names });
  const send = (request: Request) => over(() => askMarathon(sim, request));
  const request = async (asked: Request): Promise<Heard> => {
    const route = recognise(asked.method, asked.target);
    if (route.kind === 'pass') return { status: (await send(asked)).status, verdict: 'pass' };
    if (route.kind === 'forbidden') return { status: 403, verdict: 'forbidden' };
    const judged = await inside.judge
      .judge({ route, body: asked.body ?? Buffer.alloc(0) })
      .catch(refused);
    if ('status' in judged) return judged;
    const answer = await send({ ...asked, target: judged.target, body: judged.body });
    const headers = Object.entries(answer.headers).flat();
    await judged
      .settle({ outcome: 'answered', status: answer.status, headers, complete: true })
      .catch((fault: unknown) => log.error('settling an answer failed', { fault: String(fault) }));
    return { status: answer.status, verdict: verdictIn(judged) };
  };
  return { life, inside, request };
}

/** What a process logs goes into the trace of the run. */
function tracedLog(world: World, name: string): Log {
  const say = (message: string, fields: Fields = {}): void =>
    world.say(`  ${name} logs: ${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: () => undefined, info: say, warn: say, error: say, with: () => log };
  return log;
}

const refused = (fault: unknown): Heard => {
  if (!(fault instanceof Refusal)) throw fault;
  return { status: statusFor(fault.code), verdict: fault.code, message: fault.message };
};

const verdictIn = ({ added }: Ruling): string =>
  added[added.indexOf('Corral-Verdict') + 1]?.split(';')[0] ?? '';
