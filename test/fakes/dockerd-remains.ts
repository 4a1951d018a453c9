import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const CGROUPS = '/sys/fs/cgroup';

/** Where one dockerd lives. The name is that of its network namespace and of its cgroup, too. */
export interface Place {
  readonly name: string;
  readonly directory: string;
  readonly socket: string;
}

export function placeNamed(name: string): Place {
  const directory = join(tmpdir(), name);
  return { name, directory, socket: join(directory, 'docker.sock') };
}

/** Ends containers, then the daemon, then what outlived it; and removes mounts, namespace and files. */
export async function removeRemains(place: Place, down: () => Promise<void>): Promise<void> {
  killAll(inCgroups(place)); // containers first: a daemon waits 10 s for each that ignores SIGTERM
  await down();
  for (let round = 0; round < 50; round += 1) {
    const left = [...inCgroups(place), ...withArgument(place.directory)];
    if (left.length === 0) break;
    killAll(left);
    await wait(50);
  }
  for (const mount of mountsUnder(place.directory))
    await exec('umount', ['-l', mount]).catch(() => undefined);
  if (existsSync(`/run/netns/${place.name}`)) await exec('ip', ['netns', 'del', place.name]);
  for (const cgroup of cgroupsOf(place).reverse()) quietly(() => rmdirSync(cgroup));
  rmSync(place.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Clears up after test processes that were killed before they could. */
export async function sweepOrphans(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith('corral-dk-'))) {
    const owner = name.split('-')[2];
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      await removeRemains(placeNamed(name), () => Promise.resolve());
  }
}

function quietly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined; // it went away by itself
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) quietly(() => process.kill(pid, 'SIGKILL'));
}

/** The daemon's cgroups in every hierarchy, parents before children. */
function cgroupsOf({ name }: Place): string[] {
  const tops = [
    CGROUPS,
    ...(quietly(() => readdirSync(CGROUPS)) ?? []).map((top) => join(CGROUPS, top)),
  ];
  return tops
    .map((top) => join(top, name))
    .filter((top) => existsSync(top))
    .flatMap((top) => [top, ...below(top)]);
}

const below = (directory: string): string[] =>
  (quietly(() => readdirSync(directory, { withFileTypes: true })) ?? [])
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
    .flatMap((path) => [path, ...below(path)]);

const inCgroups = (place: Place): number[] => [
  ...new Set(
    cgroupsOf(place).flatMap((cgroup) =>
      (quietly(() => readFileSync(join(cgroup, 'cgroup.procs'), 'utf8')) ?? '')
        .split('\n')
        .filter((line) => line !== '')
        .map(Number),
    ),
  ),
];

/** Processes that were started with the directory in their arguments: containerd and its shims. */
const withArgument = (directory: string): number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) =>
      (quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').includes(`${directory}/`),
    )
    .map(Number);

/** Deepest first. */
const mountsUnder = (directory: string): string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
