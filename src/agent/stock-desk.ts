import type { Desk } from '../ledger/desk.ts';
import type { Stock } from './stock.ts';

/** The desk for everybody else on the node: what it gives is not handed out of stock as well. */
export const besideStock = (desk: Desk, stock: Stock): Desk => ({
  ...{ release: desk.release.bind(desk), complete: desk.complete.bind(desk) },
  ...{ unquarantine: desk.unquarantine.bind(desk), stock: desk.stock.bind(desk) },
  ...{ unstock: desk.unstock.bind(desk), spares: desk.spares.bind(desk) },
  ...{ leases: desk.leases.bind(desk), pools: desk.pools.bind(desk), use: desk.use.bind(desk) },
  ...{ poolNamed: desk.poolNamed.bind(desk), networks: desk.networks.bind(desk) },
  ...{ starvation: desk.starvation.bind(desk), reachable: desk.reachable.bind(desk) },
  close: desk.close.bind(desk),
  take: async (ask, signal) => {
    const { address } = ask;
    if (address === undefined) return desk.take(ask, signal);
    stock.withdraw(address);
    return stock.beside(address, () => desk.take(ask, signal));
  },
  adopt: async (ask, signal) => {
    stock.runs(ask.address);
    const adopted = await stock.beside(ask.address, () => desk.adopt(ask, signal));
    if (adopted.adopted) stock.owned(ask.address);
    return adopted;
  },
  quarantine: (at, why, signal) => {
    stock.forgo(at.address);
    return stock.beside(at.address, () => desk.quarantine(at, why, signal));
  },
});
