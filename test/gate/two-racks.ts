/** Rack r1 (two nodes) has a pool of two addresses, rack r2 (one node) one of twelve. */
export const twoRacks = {
  pools: {
    'prod-r1': {
      cidr: '198.51.100.0/24',
      ranges: ['198.51.100.10-198.51.100.11'],
      nodes: { attributes: { rack: 'r1' } },
    },
    'prod-r2': {
      cidr: '203.0.113.0/24',
      ranges: ['203.0.113.10-203.0.113.21'],
      nodes: { attributes: { rack: 'r2' } },
    },
  },
  networks: { prod: { pools: ['prod-r1', 'prod-r2'], default: '10mbit' } },
  nodes: Object.fromEntries([1, 2, 3].map((n) => [`node-${n}.example.org`, { link: '1gbit' }])),
};
