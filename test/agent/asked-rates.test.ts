import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askedRates, ratesSoFar, type SaidSoFar } from '../../src/agent/asked-rates.ts';
import type { RateFault, Rates } from '../../src/core/container-rates.ts';
import { appRates } from '../../src/ledger/app-rates.ts';
import { keys } from '../../src/ledger/keys.ts';
import { opened, patience as soon } from '../ledger/opened.ts';

const NAMES = { in: 'net_in', out: 'net_out' };

interface Case {
  readonly says: string;
  /** The environment's. */
  readonly own?: Rates;
  /** The ledger's word of the app on network `prod`, or what stands in its place. */
  readonly admitted?: Rates | string;
  /** Of the Docker network. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly app?: string | undefined;
  readonly network?: string | undefined;
  readonly gives: Rates;
  /** Names of what could not be used. */
  readonly odd?: readonly string[];
}

const CASES: readonly Case[] = [
  { says: 'is the default where nobody speaks', gives: {} },
  {
    says: 'is the environment’s before all others',
    own: { netInKbit: 1 },
    admitted: { netInKbit: 2, netOutKbit: 3 },
    labels: { net_in: '4', net_out: '5' },
    gives: { netInKbit: 1, netOutKbit: 3 },
  },
  {
    says: 'is the app’s network label before that of the Docker network',
    admitted: { netInKbit: 2 },
    labels: { net_in: '4', net_out: '5' },
    gives: { netInKbit: 2, netOutKbit: 5 },
  },
  {
    says: 'is of this network only',
    network: 'other',
    admitted: { netInKbit: 2 },
    gives: {},
  },
  {
    says: 'is of a network by the name of "constructor" nothing',
    network: 'constructor',
    admitted: { netInKbit: 2 },
    gives: {},
  },
  { says: 'is of this app only', app: '/other', admitted: { netInKbit: 2 }, gives: {} },
  { says: 'asks nobody for an app', app: undefined, admitted: { netInKbit: 2 }, gives: {} },
  {
    says: 'asks nobody for a network',
    network: undefined,
    admitted: { netInKbit: 2 },
    labels: { net_in: '4' },
    gives: { netInKbit: 4 },
  },
  {
    says: 'is not a label that is no rate, which is reported without its value',
    labels: { net_in: '10;rm -rf /', net_out: '1e30' },
    gives: {},
    odd: ['net_in', 'net_out'],
  },
  {
    says: 'is not what the ledger says in no words of ours',
    admitted: '10;rm -rf /',
    labels: { net_in: '4' },
    gives: { netInKbit: 4 },
    odd: [keys.appRates('/shop/web')],
  },
  {
    says: 'is not a negative, and none of such a record is used',
    admitted: '{"v":1,"networks":{"prod":{"netInKbit":-5,"netOutKbit":7}},"sinceMs":1}',
    gives: {},
    odd: [keys.appRates('/shop/web')],
  },
  {
    says: 'is not the record of another version',
    admitted: '{"v":2,"networks":{"prod":{"netInKbit":5}},"sinceMs":1}',
    gives: {},
    odd: [keys.appRates('/shop/web')],
  },
  {
    says: 'is not nothing at all, nor over 1 Tbit/s',
    admitted: { netInKbit: 0, netOutKbit: 1_000_000_001 },
    gives: {},
    odd: ['net_in', 'net_out'],
  },
];

describe('what a container’s limit is to be', () => {
  for (const { says, own = {}, admitted, labels = {}, gives, odd = [], ...of } of CASES)
    it(says, async (t) => {
      const store = await opened(t);
      if (typeof admitted === 'string') {
        const put = { put: keys.appRates('/shop/web'), value: admitted };
        await store.commit({ guards: [], writes: [put] }, soon());
      } else if (admitted) {
        const record = { v: 1, networks: { prod: admitted }, sinceMs: 1 } as const;
        await appRates.set(store, { app: '/shop/web', record }, soon());
      }
      const told: RateFault[] = [];
      const onOdd = (_: string, faults: readonly RateFault[]): void => void told.push(...faults);
      const asking = { container: 'c1', app: '/shop/web', network: 'prod', labels, ...of };
      assert.deepEqual(
        await askedRates({ store, names: NAMES, onOdd }, own, asking, soon()),
        gives,
      );
      assert.deepEqual(
        told.map(({ name }) => name),
        odd,
      );
      for (const { says: words } of told) assert.doesNotMatch(words, /rm -rf|1e30/);
    });

  it('asks the ledger nothing where the environment says all', async () => {
    const store = { get: () => Promise.reject(new Error('the ledger was asked')) };
    const own = { netInKbit: 1, netOutKbit: 2 };
    const asking = { container: 'c1', app: '/shop/web', network: 'prod', labels: {} };
    assert.deepEqual(await askedRates({ store, names: NAMES }, own, asking, soon()), own);
  });

  it('is not concluded while the ledger is away', async () => {
    const away = new Error('away');
    const store = { get: () => Promise.reject(away) };
    const asking = { container: 'c1', app: '/shop/web', network: 'prod', labels: {} };
    await assert.rejects(askedRates({ store, names: NAMES }, {}, asking, soon()), away);
  });
});

describe('what is known of a limit so far', () => {
  const end = { network: 'prod', labels: { net_in: '4', net_out: 'much' } };
  for (const { says, said, gives, odd = [], oddEarly = [] } of [
    { says: 'is nothing while nobody can say whose it is', said: {}, gives: {} },
    {
      says: 'is all that is said once the app is known, and what is odd is only noted',
      said: { app: '/shop/web' },
      gives: { netInKbit: 2 },
      oddEarly: ['net_out'],
    },
    {
      says: 'is the last word once it has started, app or no app',
      said: { startedMs: 5 },
      gives: { netInKbit: 4 },
      odd: ['net_out'],
    },
  ] satisfies readonly {
    says: string;
    said: Partial<SaidSoFar>;
    gives: Rates;
    odd?: readonly string[];
    oddEarly?: readonly string[];
  }[])
    it(says, async (t) => {
      const store = await opened(t);
      const record = { v: 1, networks: { prod: { netInKbit: 2 } }, sinceMs: 1 } as const;
      await appRates.set(store, { app: '/shop/web', record }, soon());
      const told = { odd: [] as string[], oddEarly: [] as string[] };
      const noting =
        (to: string[]) =>
        (_: string, faults: readonly RateFault[]): void =>
          void to.push(...faults.map(({ name }) => name));
      const deps = { onOdd: noting(told.odd), onEarlyOdd: noting(told.oddEarly) };
      const rates = await ratesSoFar(
        { store, names: NAMES, ...deps },
        { container: 'c1', ...said },
        end,
        soon(),
      );
      assert.deepEqual(rates, gives);
      assert.deepEqual(told, { odd, oddEarly });
    });
});
