import { parseAddress } from './address.ts';
import { Refusal } from './errors.ts';
import { bucketFor, leafFor, tellable } from './shape-bucket.ts';
import type { ClassShape, Kernel, Limit, LinkShape, Shape, Sorting, Uplink } from './shape.ts';
import { ifbOf, isWritable, LINK_MINOR, REST_MINOR, SHARED_IN, SHARED_OUT } from './shape.ts';

/** A limit that cannot be put in force, and why, in words. */
export interface ShapeFault {
  readonly address: string;
  readonly says: string;
}

export interface WantedShape {
  readonly shape: Shape;
  readonly faults: readonly ShapeFault[];
  /** Address -> the limit whose classes it shares: a second address of one interface. */
  readonly sharers: ReadonlyMap<string, Limit>;
}

interface Node {
  readonly uplink: Uplink;
  readonly kernel: Kernel;
  /** MTU of an interface, bytes. */
  readonly mtuOf: (name: string) => number;
}

/** What packets of nobody may take of a shared link. */
const REST_SHARE = 0.01;
const IFB_MTU = 1500;

/**
 * What the kernel of a node should hold. Limits that contradict one another are left out and told; the
 * one of the lower address stays.
 *
 * A container with an address of either family has one interface, and one limit for both: that of its IPv4
 * address. The other one's is in force when it is the same.
 *
 * With overcommit ratio r an ask A gets floor A / r and ceiling A. Floors whose sum would pass link ×
 * headroom (limits that were forced) are all lowered by the same factor: HTB never holds a class below
 * its own rate, so the parent's ceiling is void as soon as the sum of rates passes it.
 */
export function wantedShape(limits: readonly Limit[], node: Node): WantedShape {
  const faults: ShapeFault[] = [];
  const { sound, sharers } = soundLimits(limits, node.kernel, faults);
  const shape =
    node.uplink.overcommit > 1 ? sharedTrees(sound, sharers, node) : ownTrees(sound, node);
  return { shape, faults, sharers };
}

interface Sound {
  readonly sound: readonly Limit[];
  readonly sharers: ReadonlyMap<string, Limit>;
}

function soundLimits(limits: readonly Limit[], kernel: Kernel, faults: ShapeFault[]): Sound {
  const interfaces = new Map<string, Limit>();
  const minors = new Map<number, string>();
  const sharers = new Map<string, Limit>();
  for (const limit of [...limits].sort(inOrder)) {
    const { address, hostInterface, classMinor } = limit;
    const first = interfaces.get(hostInterface);
    const shares = first !== undefined && isSix(address) && !isSix(first.address);
    const says =
      kernelFault(kernel) ??
      ownFault(limit) ??
      (shares ? sharerFault(limit, first) : rivalFault(limit, interfaces, minors));
    if (says !== undefined) faults.push({ address, says });
    else if (shares) sharers.set(address, first);
    else {
      interfaces.set(hostInterface, limit);
      minors.set(classMinor, address);
    }
  }
  return { sound: [...interfaces.values()], sharers };
}

const isSix = (address: string): boolean => address.includes(':');

const inOrder = (a: Limit, b: Limit): number => {
  if (isSix(a.address) !== isSix(b.address)) return isSix(a.address) ? 1 : -1;
  return a.address < b.address ? -1 : 1;
};

const sharerFault = ({ netInKbit, netOutKbit }: Limit, first: Limit): string | undefined =>
  netInKbit === first.netInKbit && netOutKbit === first.netOutKbit
    ? undefined
    : `it shares the interface and the limit of ${first.address}, whose limit is in force: change both`;

const kernelFault = (kernel: Kernel): string | undefined => {
  if (!kernel.htb) return 'this kernel has no htb, so no limit can be set';
  return kernel.ifb && kernel.redirect
    ? undefined
    : 'this kernel lacks ifb, clsact, u32 or mirred, so what a container sends cannot be limited';
};

function ownFault(limit: Limit): string | undefined {
  const { address, hostInterface, netInKbit, netOutKbit, classMinor } = limit;
  if (!isWritable(hostInterface)) return `"${hostInterface}" is no usable interface name`;
  if (!Number.isInteger(classMinor) || classMinor < 1 || classMinor >= REST_MINOR)
    return `class ${classMinor} is not within 1 and ${REST_MINOR - 1}`;
  return netInKbit >= 1 && netOutKbit >= 1 ? addressFault(address) : 'a limit is not above zero';
}

function addressFault(address: string): string | undefined {
  try {
    parseAddress(address);
    return undefined;
  } catch (fault: unknown) {
    if (fault instanceof Refusal) return fault.message;
    throw fault;
  }
}

function rivalFault(
  { hostInterface, classMinor }: Limit,
  interfaces: ReadonlyMap<string, Limit>,
  minors: ReadonlyMap<number, string>,
): string | undefined {
  const same = interfaces.get(hostInterface)?.address;
  if (same !== undefined) return `interface "${hostInterface}" is that of ${same}`;
  const twin = minors.get(classMinor);
  return twin === undefined ? undefined : `class ${classMinor} is that of ${twin}`;
}

/** A class, with the queue below it unless it is there for others to borrow from. */
function classOf(
  floorKbit: number,
  ceilKbit: number,
  { mtu, kernel }: { readonly mtu: number; readonly kernel?: Kernel },
): ClassShape {
  const ceil = tellable(ceilKbit);
  const leaf = kernel && leafFor(ceil, mtu, kernel);
  return {
    rateKbit: Math.min(tellable(floorKbit), ceil),
    ceilKbit: ceil,
    ...bucketFor(ceil, mtu, leaf),
    ...(leaf && { leaf }),
  };
}

function ownTrees(limits: readonly Limit[], { kernel, mtuOf }: Node): Shape {
  const shape = new Map<string, LinkShape>();
  for (const { hostInterface, netInKbit, netOutKbit, classMinor } of limits) {
    const mtu = mtuOf(hostInterface);
    const tree = (kbit: number) => ({
      defaultMinor: classMinor,
      classes: new Map([[classMinor, classOf(kbit, kbit, { mtu, kernel })]]),
      sortings: [],
    });
    const ifb = ifbOf(classMinor);
    shape.set(ifb, { ifb: true, tree: tree(netOutKbit), redirects: {} });
    shape.set(hostInterface, {
      ifb: false,
      tree: tree(netInKbit),
      redirects: { ingress: ifb },
    });
  }
  return shape;
}

function sharedTrees(limits: readonly Limit[], sharers: Sound['sharers'], node: Node): Shape {
  const { uplink } = node;
  const shape = new Map<string, LinkShape>();
  if (limits.length === 0) return shape;
  const seconds = new Map([...sharers].map(([address, { address: first }]) => [first, address]));
  const named = limits.map((limit) => ({ limit, second: seconds.get(limit.address) }));
  const ins = named.map((one) => ({ ...one, askKbit: one.limit.netInKbit }));
  const outs = named.map((one) => ({ ...one, askKbit: one.limit.netOutKbit }));
  shape.set(SHARED_IN, sharedTree(ins, uplink.linkInKbit, 'dst', node));
  shape.set(SHARED_OUT, sharedTree(outs, uplink.linkOutKbit, 'src', node));
  for (const { hostInterface } of limits)
    shape.set(hostInterface, {
      ifb: false,
      redirects: { ingress: SHARED_OUT, egress: SHARED_IN },
    });
  return shape;
}

interface Ask {
  readonly limit: Limit;
  /** Another address of the same interface. */
  readonly second: string | undefined;
  readonly askKbit: number;
}

function sharedTree(
  asks: readonly Ask[],
  linkKbit: number,
  searchBy: 'src' | 'dst',
  { uplink, kernel, mtuOf }: Node,
): LinkShape {
  const roomKbit = tellable(linkKbit * uplink.headroom);
  const restKbit = tellable(roomKbit * REST_SHARE);
  const floors = asks.reduce((sum, { askKbit }) => sum + askKbit / uplink.overcommit, 0);
  const shrink = Math.min(1, roomKbit / floors);
  const classes = new Map<number, ClassShape>([
    [LINK_MINOR, classOf(roomKbit, roomKbit, { mtu: IFB_MTU })],
    [REST_MINOR, classOf(restKbit, restKbit, { mtu: IFB_MTU, kernel })],
  ]);
  for (const { limit, askKbit } of asks) {
    const mtu = mtuOf(limit.hostInterface);
    const floorKbit = (askKbit / uplink.overcommit) * shrink;
    const shape = classOf(floorKbit, Math.min(askKbit, roomKbit), { mtu, kernel });
    classes.set(limit.classMinor, { parent: LINK_MINOR, ...shape });
  }
  const sortings = asks.flatMap(sortingsOf);
  return {
    ifb: true,
    tree: { defaultMinor: REST_MINOR, classes, searchBy, sortings },
    redirects: {},
  };
}

/** One in the table of each family, found at once; one for whatever else the interface hands over. */
function sortingsOf({ limit, second }: Ask): Sorting[] {
  const { address, hostInterface: from, classMinor: minor } = limit;
  const quick = [address, ...(second === undefined ? [] : [second])].map((one): Sorting => {
    const { family, value } = parseAddress(one);
    return { table: family, bucket: Number(value & 0xffn), from, minor };
  });
  return [...quick, { table: 'any', bucket: 0, from, minor }];
}
