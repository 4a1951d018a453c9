import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Below the ports that the kernel gives to connections and to those who ask for any: nobody else takes one. */
const PORTS = { from: 12_000, below: 32_000 } as const;
const TRIES = 50;

/** A port of 127.0.0.1 that is free, and stays so while its owner is not up yet, or not up again. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = randomInt(PORTS.from, PORTS.below);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${TRIES} ports is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

interface Place {
  readonly name: string;
  readonly directory: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly extra: readonly string[];
  readonly tls: boolean;
}

export interface EtcdSettings {
  /** Further arguments of etcd. */
  readonly extra?: readonly string[];
  /** Serve https on the name localhost, with a certificate of etcd's own making. */
  readonly tls?: boolean;
}

/** A real etcd member, with etcd's own defaults, on ports of its own. */
export class EtcdMember {
  readonly place: Place;
  readonly #cluster: string;
  #process: ChildProcess | undefined;

  constructor(place: Place, cluster: string) {
    this.place = place;
    this.#cluster = cluster;
  }

  get url(): string {
    const { tls, clientPort } = this.place;
    return tls ? `https://localhost:${clientPort}` : `http://127.0.0.1:${clientPort}`;
  }

  get port(): number {
    return this.place.clientPort;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  start(): void {
    const { name, directory, peerPort, extra } = this.place;
    const peer = `http://127.0.0.1:${peerPort}`;
    const argv = [
      ...['--name', name, '--data-dir', directory, '--log-level', 'error', '--logger', 'zap'],
      ...['--listen-client-urls', this.url, '--advertise-client-urls', this.url],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', this.#cluster],
      ...extra,
    ];
    this.#process = spawn('etcd', argv, { stdio: 'ignore' });
  }

  /** Resolves when the member answers reads by quorum. */
  async ready(withinMs = 180_000): Promise<void> {
    const until = Date.now() + withinMs;
    for (;;) {
      const health = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(2_000) })
        .then((answer) => answer.json())
        .catch(() => ({ health: 'false' }));
      if ((health as { health: string }).health === 'true') return;
      if (Date.now() > until) throw new Error(`etcd ${this.place.name} did not get ready`);
      await wait(50);
    }
  }

  /** The certificate that etcd made for itself. */
  get certificate(): string {
    return join(this.place.directory, 'fixtures', 'client', 'cert.pem');
  }

  /** Resolves when the certificate is there. */
  async made(withinMs = 180_000): Promise<void> {
    for (const until = Date.now() + withinMs; !existsSync(this.certificate); await wait(50))
      if (Date.now() > until) throw new Error(`etcd ${this.place.name} made no certificate`);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    this.#process = undefined;
    if (running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill(signal);
    running.kill('SIGCONT');
    await exited;
  }

  /** Stops the process in its tracks; its sockets stay open. */
  hang(): void {
    this.#process?.kill('SIGSTOP');
  }

  wake(): void {
    this.#process?.kill('SIGCONT');
  }
}

export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly #directory: string;

  private constructor(members: readonly EtcdMember[], directory: string) {
    this.members = members;
    this.#directory = directory;
  }

  /** Starts `size` members and waits until all answer. */
  static async start(size = 1, settings: EtcdSettings = {}): Promise<EtcdCluster> {
    const { extra = [], tls = false } = settings;
    const directory = mkdtempSync(join(tmpdir(), 'corral-etcd-'));
    const places: Place[] = [];
    for (let index = 0; index < size; index += 1)
      places.push({
        name: `m${index}`,
        directory: join(directory, `m${index}`),
        clientPort: await freePort(),
        peerPort: await freePort(),
        extra: tls ? [...extra, '--auto-tls'] : extra,
        tls,
      });
    const peers = places.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`);
    const members = places.map((place) => new EtcdMember(place, peers.join(',')));
    for (const member of members) member.start();
    await Promise.all(members.map((member) => (tls ? member.made() : member.ready())));
    return new EtcdCluster(members, directory);
  }

  get only(): EtcdMember {
    return this.members[0] as EtcdMember;
  }

  get urls(): string[] {
    return this.members.map(({ url }) => url);
  }

  /** The member that leads, asked of each member that is up until one says that it does. */
  async leader(withinMs = 120_000): Promise<EtcdMember> {
    for (const until = Date.now() + withinMs; Date.now() < until; await wait(50))
      for (const member of this.members.filter(({ isUp }) => isUp))
        if (await leads(member).catch(() => false)) return member;
    throw new Error('no etcd member leads');
  }

  /** Ends the members and their data. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function leads({ url }: EtcdMember): Promise<boolean> {
  const answer = await fetch(`${url}/v3/maintenance/status`, {
    method: 'POST',
    body: '{}',
    signal: AbortSignal.timeout(5_000),
  });
  const status = (await answer.json()) as { leader: string; header: { member_id: string } };
  return status.leader === status.header.member_id;
}
