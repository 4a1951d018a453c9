import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Place, placeNamed, removeRemains, sweepOrphans } from './dockerd-remains.ts';

const exec = promisify(execFile);

export interface DockerdSettings {
  /** Containers outlive the daemon. */
  readonly liveRestore?: boolean;
  /** Further arguments of dockerd. */
  readonly extra?: readonly string[];
}

/** How a command of the docker CLI ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly tookMs: number;
}

const counter = { next: 0 };

/** Where dockerd looks for plugins, whatever its data root: names must differ between tests. */
export const PLUGINS = '/run/docker/plugins';

/** A name for a plugin that no other test uses at the same time. */
export const ownPluginName = (): string => `corral-${process.pid}-${(counter.next += 1)}`;

/** The one image: busybox, static, all its tools linked. */
export const IMAGE = 'busybox:test';

/**
 * A real dockerd in a network namespace of its own, with its own data, state and socket. It does not
 * touch iptables and makes no docker0. `stop` leaves nothing behind, whatever was killed before.
 */
export class Dockerd {
  readonly place: Place;
  readonly #settings: DockerdSettings;
  #process: ChildProcess | undefined;

  private constructor(place: Place, settings: DockerdSettings) {
    this.place = place;
    this.#settings = settings;
  }

  /** A daemon that answers and has the image. Clears up after test processes that were killed. */
  static async start(settings: DockerdSettings = {}): Promise<Dockerd> {
    await sweepOrphans();
    const place = placeNamed(`corral-dk-${process.pid}-${(counter.next += 1)}`);
    mkdirSync(place.directory, { recursive: true });
    await exec('ip', ['netns', 'add', place.name]);
    await exec('ip', ['-n', place.name, 'link', 'set', 'lo', 'up']);
    const dockerd = new Dockerd(place, settings);
    try {
      await dockerd.up();
      await dockerd.#importImage();
    } catch (fault) {
      await dockerd.stop();
      throw fault;
    }
    return dockerd;
  }

  get socket(): string {
    return this.place.socket;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** What the daemon wrote, for messages. */
  get log(): string {
    return readFileSync(join(this.place.directory, 'log'), 'utf8');
  }

  /** Starts the daemon, again when it was ended. */
  async up(withinMs = 180_000): Promise<void> {
    const { name, directory, socket } = this.place;
    const argv = [
      ...[`--net=/run/netns/${name}`, 'dockerd', '--host', `unix://${socket}`],
      ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')],
      ...['--pidfile', join(directory, 'pid'), '--cgroup-parent', `/${name}`],
      ...['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--userland-proxy=false'],
      ...(this.#settings.liveRestore ? ['--live-restore'] : []),
      ...(this.#settings.extra ?? []),
    ];
    const log = openSync(join(directory, 'log'), 'a');
    this.#process = spawn('nsenter', argv, { stdio: ['ignore', log, log] });
    await this.#ready(withinMs);
  }

  /** Ends the daemon alone. Without live restore a graceful end takes its containers along. */
  async down(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill(signal);
    const ended = await Promise.race([
      exited.then(() => true),
      wait(120_000, false, { ref: false }),
    ]);
    if (!ended) running.kill('SIGKILL');
    await exited;
    await this.#helperGone();
  }

  /** Ends everything: containers, daemon, helpers, mounts, namespace, files. */
  async stop(): Promise<void> {
    await removeRemains(this.place, () => this.down());
  }

  /** One command of the docker CLI; never throws for how it ends. */
  async docker(...argv: readonly string[]): Promise<Ended> {
    const started = performance.now();
    const done = (code: number, out: string, err: string): Ended => ({
      ...{ code, out: out.trim(), err: err.trim() },
      tookMs: performance.now() - started,
    });
    try {
      const { stdout, stderr } = await exec('docker', ['-H', `unix://${this.socket}`, ...argv], {
        timeout: 300_000,
        maxBuffer: 1 << 26,
      });
      return done(0, stdout, stderr);
    } catch (fault) {
      const { code, stdout = '', stderr = '' } = fault as { code?: unknown } & Partial<Streams>;
      return done(typeof code === 'number' ? code : -1, stdout, stderr);
    }
  }

  /** The same, but it must succeed. @returns its output */
  async must(...argv: readonly string[]): Promise<string> {
    const { code, out, err } = await this.docker(...argv);
    if (code !== 0) throw new Error(`docker ${argv.join(' ')} ended with ${code}: ${err}`);
    return out;
  }

  /** Starts a container that sleeps until it is ended. @returns its id */
  run(network: string, ...options: readonly string[]): Promise<string> {
    return this.must('run', '-d', '--net', network, ...options, IMAGE, 'sleep', '100000');
  }

  /** Makes a container by the API, for what a newer CLI refuses to ask of it. @returns its id */
  created(network: string, more: object): Promise<string> {
    const made = { Image: IMAGE, Cmd: ['sleep', '100000'], HostConfig: { NetworkMode: network } };
    const { socket: socketPath } = this;
    const headers = { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const asked = request(
        { socketPath, path: '/v1.41/containers/create', method: 'POST', headers },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (part: string) => (text += part));
          answer.on('end', () => {
            const { Id, message } = JSON.parse(text) as { Id?: string; message?: string };
            if (Id === undefined) reject(new Error(message));
            else resolve(Id);
          });
        },
      );
      asked.on('error', reject).end(JSON.stringify({ ...made, ...more }));
    });
  }

  /** The address of a container on a network. */
  async addressOf(container: string, network: string): Promise<string> {
    const networks = await this.must(
      ...['inspect', '-f', '{{json .NetworkSettings.Networks}}', container],
    );
    const ends = JSON.parse(networks) as Record<string, { IPAddress: string } | undefined>;
    return ends[network]?.IPAddress ?? '';
  }

  /** Removes containers, running or not. */
  async remove(...containers: readonly string[]): Promise<void> {
    if (containers.length > 0) await this.must('rm', '-f', ...containers);
  }

  /**
   * containerd dies with dockerd, a little later and until it is reaped; a new dockerd that still sees
   * it waits 15 s for it and gives up.
   */
  async #helperGone(): Promise<void> {
    const file = join(this.place.directory, 'exec', 'containerd', 'containerd.pid');
    if (!existsSync(file)) return;
    const pid = readFileSync(file, 'utf8').trim();
    for (let round = 0; round < 12_000 && existsSync(`/proc/${pid}`); round += 1) await wait(10);
    rmSync(file, { force: true });
  }

  async #ready(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    for (;;) {
      if (existsSync(this.socket) && (await this.#answers())) return;
      if (this.#process?.exitCode !== null || performance.now() > until)
        throw new Error(`dockerd did not get ready:\n${this.log.slice(-4_000)}`);
      await wait(30);
    }
  }

  /** Whether /_ping is answered: the socket alone is open before the daemon works. */
  async #answers(): Promise<boolean> {
    const socket = createConnection(this.socket);
    socket.setTimeout(2_000, () => socket.destroy());
    socket.write('GET /_ping HTTP/1.0\r\n\r\n');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    await once(socket, 'close').catch(() => undefined);
    return answer.includes(' 200 ');
  }

  async #importImage(): Promise<void> {
    const root = join(this.place.directory, 'image');
    mkdirSync(join(root, 'bin'), { recursive: true });
    for (const folder of ['etc', 'tmp', 'proc', 'sys', 'dev']) mkdirSync(join(root, folder));
    const { stdout } = await exec('which', ['busybox']);
    await exec('cp', [stdout.trim(), join(root, 'bin', 'busybox')]);
    await exec('chroot', [root, '/bin/busybox', '--install', '-s', '/bin']);
    const archive = join(this.place.directory, 'image.tar');
    await exec('tar', ['-C', root, '-cf', archive, '.']);
    await this.must('import', archive, IMAGE);
    rmSync(root, { recursive: true });
  }
}

interface Streams {
  readonly stdout: string;
  readonly stderr: string;
}
