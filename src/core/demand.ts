/**
 * What one instance of an app or pod holds on the node that runs it.
 * Plain sums: nothing here knows Marathon's spelling (see cluster/marathon/translate.ts).
 */
export interface Demand {
  readonly cpus: number;
  readonly memMiB: number;
  readonly diskMiB: number;
  readonly gpus: number;
  readonly ports: PortDemand;
  /** One entry per address the instance takes; a network occurs at most once. */
  readonly addresses: readonly AddressDemand[];
}

/** Host ports: `any` of the agent's choosing, and `fixed` ones that must be free. */
export interface PortDemand {
  readonly any: number;
  readonly fixed: readonly number[];
}

/** One address on a network that Corral manages, with the limit of that address, kbit/s. */
export interface AddressDemand {
  readonly network: string;
  readonly netInKbit: number;
  readonly netOutKbit: number;
}

/** Bandwidth that one instance takes from its node's link, kbit/s: the sum over its addresses. */
export const bandwidthOf = ({ addresses }: Demand): { inKbit: number; outKbit: number } => ({
  inKbit: addresses.reduce((sum, { netInKbit }) => sum + netInKbit, 0),
  outKbit: addresses.reduce((sum, { netOutKbit }) => sum + netOutKbit, 0),
});
