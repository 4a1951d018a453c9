import { formatRate } from '../core/rate.ts';
import type { LimitSeen } from '../ledger/limit-list.ts';
import { facts, table } from './table.ts';

/** A limit for people; marked when it was forced. */
export const rateText = (kbit: number | undefined): string =>
  kbit === undefined ? '-' : kbit === 0 ? '0' : formatRate(kbit);

const stateText = ({ state, counted }: LimitSeen): string =>
  counted?.forced ? `${state}, forced` : state;

const when = (ms: number | undefined): string =>
  ms === undefined ? '-' : new Date(ms).toISOString();

export const limitTable = (limits: readonly LimitSeen[]): string =>
  table(
    ['address', 'node', 'net_in', 'net_out', 'state', 'app', 'container', 'edited'],
    limits.map((limit) => [
      limit.address,
      limit.node,
      rateText(limit.counted?.netInKbit),
      rateText(limit.counted?.netOutKbit),
      stateText(limit),
      limit.lease.app ?? '-',
      limit.lease.container?.slice(0, 12) ?? '-',
      when(limit.editedMs),
    ]),
    'no limits',
  );

export const factsOf = (limit: LimitSeen): string => {
  const { address, node, counted, lease, reason, edit, editedMs } = limit;
  const asked = lease.asked ?? {};
  return facts([
    ['address', address],
    ['node', node],
    ['app', lease.app ?? '-'],
    ['container', lease.container ?? '-'],
    ['net_in', rateText(counted?.netInKbit)],
    ['net_out', rateText(counted?.netOutKbit)],
    ['asked in', rateText(asked.netInKbit)],
    ['asked out', rateText(asked.netOutKbit)],
    ['class', counted?.classMinor ?? '-'],
    ['state', stateText(limit)],
    ...(reason === undefined ? [] : [['reason', reason] as const]),
    ...(edit === undefined ? [] : [['edit', edit] as const, ['edited', when(editedMs)] as const]),
  ]);
};

/** For programs. */
export const fieldsOf = ({ lease, counted, ...limit }: LimitSeen): object => ({
  ...limit,
  ...counted,
  network: lease.network,
  ...(lease.app !== undefined && { app: lease.app }),
  ...(lease.container !== undefined && { container: lease.container }),
  ...(lease.asked && { asked: lease.asked }),
});
