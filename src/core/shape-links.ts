import { UnreadableKernel } from './shape-errors.ts';
import { type Fields, fieldsAt, numberAt, objectsIn, textAt } from './shape-json.ts';
import { DOOMED_GROUP } from './shape.ts';

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
  /** The bridge that it is a port of. */
  readonly bridge?: string;
}

export const isDoomed = ({ group }: HostLink): boolean => group === String(DOOMED_GROUP);

const COMMAND = 'ip -j -d link show';

/** @throws UnreadableKernel */
export function parseLinks(json: string): ReadonlyMap<string, HostLink> {
  const links = objectsIn(json, COMMAND).flatMap((fields) => linkIn(fields) ?? []);
  return new Map(links.map((link) => [link.name, link]));
}

function linkIn(fields: Fields): HostLink | undefined {
  const name = textAt(fields, 'ifname');
  if (name === undefined) return undefined;
  const [index, mtu] = [numberAt(fields, 'ifindex'), numberAt(fields, 'mtu')];
  if (index === undefined || mtu === undefined)
    throw new UnreadableKernel(COMMAND, `"${name}" has no ifindex or no mtu`);
  const { flags } = fields;
  const group = textAt(fields, 'group');
  return {
    ...{ name, index, mtu, up: Array.isArray(flags) && flags.includes('UP') },
    ...given({
      kind: textAt(fieldsAt(fields, 'linkinfo'), 'info_kind'),
      group: group === 'default' ? undefined : group,
      peerIndex: numberAt(fields, 'link_index'),
      bridge: textAt(fields, 'master'),
    }),
  };
}

/** What `ip -o monitor link` says of one interface: it is there, or it went. */
export interface LinkNews {
  readonly gone: boolean;
  readonly link: HostLink;
}

const NEWS = /^(Deleted )?(\d+): ([^@:\s]+)(?:@\S+)?: <([^>]*)> mtu (\d+) ([^\\]*)/;

/** Undefined for a line that says nothing of an interface. It tells less than a dump: no kind. */
export function parseLinkNews(line: string): LinkNews | undefined {
  const [, deleted, index, name, flags = '', mtu, rest = ''] = NEWS.exec(line) ?? [];
  if (name === undefined) return undefined;
  const bridge = / ?master (\S+)/.exec(rest)?.[1];
  const up = flags.split(',').includes('UP');
  const link = { name, index: Number(index), mtu: Number(mtu), up, ...given({ bridge }) };
  return { gone: deleted !== undefined, link };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is not there. */
const given = <T extends object>(all: T): Given<T> =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Given<T>;
