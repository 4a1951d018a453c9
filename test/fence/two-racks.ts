/** Rack r1 has two nodes and some addresses, at most 90; r2 has one node and eight. */
export const twoRacks = (addresses: number) => ({
  pools: {
    'prod-a': {
      cidr: '198.51.100.0/24',
      ranges: [`198.51.100.10-198.51.100.${9 + addresses}`],
      gateway: '198.51.100.1',
      nodes: { attributes: { rack: 'r1' } },
    },
    'prod-b': {
      cidr: '203.0.113.0/24',
      ranges: ['203.0.113.10-203.0.113.17'],
      gateway: '203.0.113.1',
      nodes: { attributes: { rack: 'r2' } },
    },
  },
  networks: { prod: { pools: ['prod-a', 'prod-b'], default: '10mbit' } },
  nodes: Object.fromEntries([1, 2, 3].map((n) => [`node-${n}.example.org`, { link: '1gbit' }])),
});
