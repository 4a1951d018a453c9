import assert from 'node:assert/strict';
import type { ReconcileStep } from '../../../src/core/reconcile-step.ts';
import type { ReconcileInput } from '../../../src/core/reconcile-input.ts';
import type { DockerLook, SeenContainer, SeenEndpoint } from '../../../src/core/docker-seen.ts';
import { reconcile, toInspect } from '../../../src/core/reconcile.ts';
import { NOTHING_REMEMBERED } from '../../../src/core/reconcile-input.ts';
import type { LeaseRecord } from '../../../src/core/lease-record.ts';

interface Box {
  readonly id: string;
  readonly restarts: boolean;
  state: 'created' | 'running' | 'exited' | 'removed';
  /** What it really holds. */
  address?: string;
  endpoint?: string;
  /** Docker does not show the endpoint yet. */
  hidden: boolean;
}

const POOL = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5', '192.0.2.6'];

/**
 * One node: containers, a Docker that may lose releases, a ledger, and the reconcile between them. What
 * a container really holds is known here and nowhere else.
 */
export class World {
  releases = 0;
  adoptions = 0;
  #boxes: Box[] = Array.from({ length: 4 }, (_, n) => fresh(n, 0));
  #leases = new Map<string, LeaseRecord>();
  #pending = new Set<string>();
  #steadyMs = 0;
  #boot = 1;
  #serial = 0;
  #memory = NOTHING_REMEMBERED;
  #beforeDocker: (() => void) | undefined;

  /** Docker shows an endpoint within half a minute of its address being given. */
  pass(ms: number): void {
    this.#steadyMs += ms;
    if (ms >= 30_000) this.settle();
  }

  act(what: string, n: number): void {
    const box = this.#boxes[n] as Box;
    if (what === 'start') this.#start(box, n);
    else if (what === 'stop') this.#end(box, 'told');
    else if (what === 'lose') this.#end(box, 'lost');
    else if (what === 'kill') this.#end(box, 'journalled');
    else if (what === 'look') this.look();
    else if (what === 'lag') this.#beforeDocker = () => this.#start(box, n);
    else if (what === 'restart') this.#memory = NOTHING_REMEMBERED;
    else if (what === 'forget') this.#leases.delete(box.address ?? '');
    else if (what === 'remove') this.#remove(box, n);
    else if (what === 'disconnect') this.#disconnect(box);
    else this.#reboot();
  }

  /** Nothing is on its way any more. */
  settle(): void {
    for (const box of this.#boxes) box.hidden = false;
  }

  look(): void {
    const leases = [...this.#leases].map(([address, lease]) => ({ address, lease }));
    this.#beforeDocker?.();
    this.#beforeDocker = undefined;
    const docker = this.#shown(leases);
    const input: ReconcileInput = {
      docker,
      leases,
      pending: this.#pending,
      // As in the agent: what was written since is on its way, not a stranger.
      inFlight: new Set(
        [...this.#leases.keys()].filter((a) => !leases.some((l) => l.address === a)),
      ),
      bootId: `b${this.#boot}`,
      steadyMs: this.#steadyMs,
      apartMs: 60_000,
      memory: this.#memory,
    };
    const turn = reconcile(input);
    this.#memory = turn.memory;
    for (const step of turn.steps) this.#carryOut(step);
  }

  leased(): string[] {
    return [...this.#leases.keys()].sort();
  }

  heldOrComingBack(): string[] {
    const held = this.#boxes.flatMap(({ address }) => address ?? []);
    const names = new Map(this.#boxes.map((box) => [box.id, box]));
    const kept = [...this.#leases].filter(([, { container, bootId }]) => {
      const box = names.get(container ?? '');
      return box?.state === 'exited' && box.restarts && bootId === `b${this.#boot}`;
    });
    return [...new Set([...held, ...kept.map(([address]) => address)])].sort();
  }

  /** Addresses in use whose lease does not name who uses it. */
  unnamed(): string[] {
    return this.#boxes.flatMap(({ id, address }) =>
      address !== undefined && this.#leases.get(address)?.container !== id ? [address] : [],
    );
  }

  #start(box: Box, n: number): void {
    if (box.state === 'running' || box.state === 'removed') return;
    const address = POOL.find((one) => !this.#leases.has(one) && !this.#isHeld(one));
    if (address === undefined) return;
    this.#serial += 1;
    box.state = 'running';
    box.address = address;
    box.endpoint = `e${this.#serial}`;
    box.hidden = n % 2 === 1; // until the next thing happens to it
    this.#leases.set(address, {
      v: 1,
      pool: 'p',
      network: 'prod',
      incarnation: `i${this.#serial}`,
      by: 'docker',
      bootId: `b${this.#boot}`,
      sinceMs: 0,
    });
    this.settleOthers(box);
  }

  settleOthers(box: Box): void {
    for (const other of this.#boxes) if (other !== box) other.hidden = false;
  }

  /** `told`: the release arrived. `journalled`: later. `lost`: never. */
  #end(box: Box, release: 'told' | 'journalled' | 'lost'): void {
    if (box.state !== 'running') return;
    this.#giveUp(box, release);
    box.state = 'exited';
  }

  #giveUp(box: Box, release: 'told' | 'journalled' | 'lost'): void {
    const { address } = box;
    delete box.address;
    delete box.endpoint;
    const lease = address === undefined ? undefined : this.#leases.get(address);
    if (address === undefined || lease === undefined) return;
    if (release === 'told') this.#leases.delete(address);
    if (release === 'journalled') this.#pending.add(`${address} ${lease.incarnation}`);
  }

  #disconnect(box: Box): void {
    if (box.state === 'running') this.#giveUp(box, 'lost');
  }

  #remove(box: Box, n: number): void {
    this.#end(box, 'lost');
    this.#serial += 1;
    this.#boxes[n] = fresh(n, this.#serial);
  }

  #reboot(): void {
    this.#boot += 1;
    this.#memory = NOTHING_REMEMBERED;
    for (const box of this.#boxes) {
      if (box.state === 'running') box.state = 'exited';
      delete box.address;
      delete box.endpoint;
    }
  }

  #isHeld(address: string): boolean {
    return this.#boxes.some((box) => box.address === address);
  }

  #shown(leases: ReconcileInput['leases']): DockerLook {
    const up = this.#boxes.filter(({ address, hidden }) => address !== undefined && !hidden);
    const endpoints = up.map((box): SeenEndpoint => ({
      address: box.address as string,
      network: 'prod',
      container: box.id,
      endpoint: box.endpoint as string,
    }));
    const containers = new Map<string, SeenContainer>(
      this.#boxes.map((box) => {
        const bare = box.state === 'running' && box.address !== undefined && box.hidden;
        return [box.id, { state: box.state, bare: new Set(bare ? ['prod'] : []) }];
      }),
    );
    const inspected = toInspect({ endpoints, containers }, leases);
    for (const box of this.#boxes.filter(({ id }) => inspected.includes(id)))
      containers.set(box.id, { state: box.state, bare: new Set(), restarts: box.restarts });
    const facts = new Map(inspected.map((id) => [id, { startedMs: this.#steadyMs }]));
    return { endpoints, containers, facts, reserved: new Map(), gatewayUnsaid: new Set() };
  }

  #carryOut(step: ReconcileStep): void {
    if (step.do === 'release') {
      const { address, lease } = step;
      if (this.#leases.get(address)?.incarnation !== lease.incarnation) return;
      assert(!this.#isHeld(address), `${address} was released while a container holds it`);
      this.#leases.delete(address);
      this.releases += 1;
    } else if (step.do === 'adopt') {
      const { address, network, container } = step.endpoint;
      if (this.#leases.has(address)) return;
      const { incarnation } = step;
      const bootId = `b${this.#boot}`;
      const lease = {
        v: 1,
        pool: 'p',
        network,
        incarnation,
        container,
        bootId,
        sinceMs: 0,
      } as const;
      this.#leases.set(address, lease);
      this.adoptions += 1;
    } else if (step.do === 'complete') {
      const lease = this.#leases.get(step.address);
      if (lease?.incarnation !== step.incarnation) return;
      const { container, facts } = step;
      this.#leases.set(step.address, { ...lease, container, ...facts });
    }
  }
}

const fresh = (n: number, serial: number): Box => ({
  id: `c${n}.${serial}`,
  restarts: n === 0,
  state: 'created',
  hidden: false,
});
