import type { NodeOptions } from './nodes.ts';

/** Six nodes in two racks: node-1..node-6.example.org, 8 cpus and 16 GiB each. */
export const demoNodes = (): NodeOptions[] =>
  Array.from({ length: 6 }, (_none, index) => ({
    name: `node-${index + 1}.example.org`,
    cpus: 8,
    mem: 16_384,
    disk: 102_400,
    attributes: { rack: index < 3 ? 'r1' : 'r2' },
    address: `198.51.100.${index + 1}`,
  }));
