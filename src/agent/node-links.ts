import Joi from 'joi';
import { inRange, parseAddress, parseCidr, rangeOfCidr } from '../core/address.ts';
import type { RunTool } from './run-tool.ts';

/** An interface of this node. */
export interface NodeLink {
  readonly name: string;
  readonly addresses: readonly string[];
}

interface WireLink {
  readonly ifname: string;
  readonly addr_info?: readonly { readonly local?: string }[];
}

const shape = Joi.array<WireLink[]>().items(
  Joi.object({
    ifname: Joi.string().required(),
    addr_info: Joi.array().items(Joi.object({ local: Joi.string() }).unknown()),
  }).unknown(),
);

/** Interfaces with their addresses; none when `ip` cannot say. @see ip-address(8) */
export async function linksOf(run: RunTool, signal: AbortSignal): Promise<readonly NodeLink[]> {
  const { code, out } = await run(['ip', '-json', 'address', 'show'], signal);
  if (code !== 0) return [];
  const links = parsed(out);
  if (shape.validate(links).error) return [];
  return (links as WireLink[]).map(({ ifname, addr_info = [] }) => ({
    name: ifname,
    addresses: addr_info.flatMap(({ local }) => local ?? []),
  }));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The interface that has an address in a subnet. */
export function linkOn(links: readonly NodeLink[], cidr: string): NodeLink | undefined {
  const subnet = rangeOfCidr(parseCidr(cidr));
  return links.find(({ addresses }) =>
    addresses.some((address) => inRange(subnet, parseAddress(address))),
  );
}
