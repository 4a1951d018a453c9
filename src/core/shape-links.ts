import { UnreadableKernel } from './shape-errors.ts';
import { fieldsAt, numberAt, objectsIn, textAt } from './shape-json.ts';

/** An interface, as `ip -j -d link show` has it. */
export interface HostLink {
  readonly name: string;
  readonly index: number;
  readonly mtu: number;
  readonly up: boolean;
  readonly kind?: string;
  /** Number or name of its group; absent: the default one. */
  readonly group?: string;
  /** Index of a veth's other end, in that end's network namespace. */
  readonly peerIndex?: number;
}

/** @throws UnreadableKernel */
export function parseLinks(json: string): ReadonlyMap<string, HostLink> {
  const command = 'ip -j -d link show';
  const links = new Map<string, HostLink>();
  for (const fields of objectsIn(json, command)) {
    const name = textAt(fields, 'ifname');
    if (name === undefined) continue;
    const [index, mtu] = [numberAt(fields, 'ifindex'), numberAt(fields, 'mtu')];
    if (index === undefined || mtu === undefined)
      throw new UnreadableKernel(command, `"${name}" has no ifindex or no mtu`);
    const { flags } = fields;
    const kind = textAt(fieldsAt(fields, 'linkinfo'), 'info_kind');
    const group = textAt(fields, 'group');
    const peerIndex = numberAt(fields, 'link_index');
    links.set(name, {
      name,
      index,
      mtu,
      up: Array.isArray(flags) && flags.includes('UP'),
      ...(kind === undefined ? {} : { kind }),
      ...(group === undefined || group === 'default' ? {} : { group }),
      ...(peerIndex === undefined ? {} : { peerIndex }),
    });
  }
  return links;
}
