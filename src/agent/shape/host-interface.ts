import { readdir, readFile, statfs } from 'node:fs/promises';
import { objectsIn, numberAt, textAt } from '../../core/shape-json.ts';
import type { HostLink } from '../../core/shape-links.ts';
import type { Links } from '../../core/shape-read.ts';
import { NoHostInterface } from './errors.ts';
import { runOnce } from './tool.ts';

/** A process of a container, and the address that one of its interfaces holds. */
export interface Whose {
  readonly pid: number;
  readonly address: string;
  /** It could mount something else over its /sys: only the kernel itself is asked. */
  readonly privileged?: boolean;
}

/** An interface inside: its index there, and the index of its other end on the host. */
interface Inside {
  readonly index: number;
  readonly peerIndex: number;
}

/** linux/magic.h */
const SYSFS_MAGIC = 0x62656572;

/**
 * The host's end of the veth of a container. Without a process, from the container's own /sys, when it
 * is a sysfs with one interface besides the loopback (0.1 ms); else the kernel is asked for the
 * interface that holds the address (5 ms). Either way the host's end must point back.
 *
 * @param links  the host's interfaces
 * @throws NoHostInterface
 */
export async function hostInterfaceOf(
  whose: Whose,
  links: Links,
  signal: AbortSignal,
): Promise<string> {
  const quick = whose.privileged === true ? undefined : await fromSysfs(whose.pid);
  const found = quick && pointingBack(quick, links);
  if (found !== undefined) return found;
  const asked = await fromKernel(whose, signal);
  const name = asked && pointingBack(asked, links);
  if (name === undefined)
    throw new NoHostInterface(
      whose.address,
      whose.pid,
      asked ? 'its other end is not on this host' : 'no interface of the process holds the address',
    );
  return name;
}

/** Ports of a bridge that Docker made, in the order in which they were made. */
export const portsOf = (bridge: string, links: Links): readonly HostLink[] =>
  [...links.values()]
    .filter((link) => link.bridge === bridge && link.kind === 'veth' && isDockersPort(link))
    .sort((a, b) => a.index - b.index);

/** The host's end of a veth that Docker made. */
export const isDockersPort = ({ name, bridge }: HostLink): boolean =>
  bridge !== undefined && DOCKERS.test(name);

/** As Docker names the ends of a veth, whoever else has ports on its bridge. */
const DOCKERS = /^veth[0-9a-f]{7}$/;

/** Undefined for host networking as well: the host's uplink points back to nothing inside. */
function pointingBack({ index, peerIndex }: Inside, links: Links): string | undefined {
  for (const { name, index: host, peerIndex: back, kind } of links.values())
    if (host === peerIndex && kind === 'veth') return back === index ? name : undefined;
  return undefined;
}

async function fromSysfs(pid: number): Promise<Inside | undefined> {
  const directory = `/proc/${pid}/root/sys/class/net`;
  try {
    const names = (await readdir(directory)).filter((name) => name !== 'lo');
    const [name] = names;
    if (names.length !== 1 || name === undefined) return undefined;
    const { type } = await statfs(`${directory}/${name}/iflink`);
    if (type !== SYSFS_MAGIC) return undefined;
    const [index, peerIndex] = await Promise.all(
      ['ifindex', 'iflink'].map(async (file) =>
        Number(await readFile(`${directory}/${name}/${file}`, 'utf8')),
      ),
    );
    return index && peerIndex ? { index, peerIndex } : undefined;
  } catch {
    return undefined; // no /sys, or the process is gone: the kernel is asked
  }
}

async function fromKernel(
  { pid, address }: Whose,
  signal: AbortSignal,
): Promise<Inside | undefined> {
  const argv = ['nsenter', `--net=/proc/${pid}/ns/net`, 'ip', '-j', 'addr', 'show'] as const;
  const { stdout } = await runOnce(argv, '', signal);
  if (stdout.trim() === '') return undefined;
  for (const fields of objectsIn(stdout, argv.join(' '))) {
    const { addr_info: held } = fields;
    const holds =
      Array.isArray(held) &&
      held.some(
        (one: unknown) => textAt((one ?? {}) as Record<string, unknown>, 'local') === address,
      );
    const [index, peerIndex] = [numberAt(fields, 'ifindex'), numberAt(fields, 'link_index')];
    if (holds && index !== undefined && peerIndex !== undefined) return { index, peerIndex };
  }
  return undefined;
}
