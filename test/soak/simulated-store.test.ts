import { after } from 'node:test';
import { SimulatedLedger } from '../fakes/simulated-store.ts';
import { World } from '../fakes/simulated-world.ts';
import { storeContract } from '../contract/store.ts';
import type { Store } from '../../src/ledger/store.ts';

/** The simulated ledger keeps the contract; its world rolls on by itself while the tests run. */
const world = new World(1);
const ledger = new SimulatedLedger(world);
const ending = new AbortController();
const rolling = world.roll(ending.signal);
after(async () => {
  ending.abort();
  await rolling;
});

storeContract({
  name: 'simulated',
  open: () => Promise.resolve(ledger.client(world.live('client'))),
  compact: async (store: Store) => {
    await store.commit({ guards: [], writes: [{ put: '/filler', value: '' }] }, ending.signal);
    ledger.compact();
  },
  hang: () => {
    ledger.down = true;
    return { wake: () => (ledger.down = false) };
  },
  ownersDie: true,
});
