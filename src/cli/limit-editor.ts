import type { Refusal } from '../core/errors.ts';
import type { LimitWish } from '../core/limit-edit.ts';
import { trimAudit } from '../ledger/audit.ts';
import type { Holding } from '../ledger/limit-change.ts';
import type { Edited } from '../ledger/limit-edit.ts';
import { editEverywhere, type EditPart } from '../ledger/limit-everywhere.ts';
import { outcomeOf, type Outcome } from '../ledger/limit-wait.ts';
import type { Store } from '../ledger/store.ts';
import type { CliDeps } from './deps.ts';
import { rateText } from './limit-text.ts';
import { explain } from './run.ts';
import { json } from './table.ts';

/** What an edit needs beside what every command does. */
export interface EditorDeps {
  /** Who gives the command. */
  readonly who: () => string;
  /** Text of [0-9a-z]. */
  readonly random: () => string;
  /** Lets the process end with exit code 1. */
  readonly fail: () => void;
}

export interface Edit {
  readonly wish: LimitWish | 'reset';
  readonly force?: true;
  readonly why?: string;
  /** For the agents of the nodes. */
  readonly waits: boolean;
  readonly json: boolean;
}

/** Longest that the agents of all nodes have to say something. */
const WAIT_MS = 10_000;

type Deps = CliDeps & EditorDeps & { readonly store: Store };

interface Told extends Edited {
  readonly outcome: Outcome | { readonly state: 'written' | 'unchanged' };
}

/** Edits, waits for what becomes of it, and tells; one refused part alone is thrown as it is. */
export async function editAndWait(
  deps: Deps,
  holdings: readonly Holding[],
  edit: Edit,
): Promise<void> {
  const { store, signal, who } = deps;
  const { wish, force, why } = edit;
  const parts = await editEverywhere(
    store,
    holdings,
    { wish, who: who(), by: 'cli', ...(force && { force }), ...(why !== undefined && { why }) },
    deps,
  );
  const [only] = parts;
  if (parts.length === 1 && only && 'refused' in only) throw only.refused;
  await trimAudit(store, {}, signal);
  const told = await Promise.all(
    parts.flatMap((part) => ('edited' in part ? part.edited : [])).map(outcomeFor(deps, edit)),
  );
  const refused = parts.filter((part) => 'refused' in part);
  if (refused.length > 0 || told.some(({ outcome }) => !WELL.has(outcome.state))) deps.fail();
  if (edit.json) deps.out(json([...told.map(fieldsOf), ...refused.flatMap(refusedFields)]));
  else say(deps, told, refused);
}

const WELL: ReadonlySet<string> = new Set(['enforced', 'written', 'unchanged']);

const outcomeFor =
  ({ store, clock, signal }: Deps, { waits }: Edit) =>
  async (edited: Edited): Promise<Told> => {
    const { edit } = edited;
    if (edit === undefined) return { ...edited, outcome: { state: 'unchanged' } };
    if (!waits) return { ...edited, outcome: { state: 'written' } };
    const options = { clock, signal, withinMs: WAIT_MS };
    return { ...edited, outcome: await outcomeOf(store, { ...edited, edit }, options) };
  };

type Refused = Extract<EditPart, { readonly refused: Refusal }>;

function say(deps: Deps, told: readonly Told[], refused: readonly Refused[]): void {
  for (const one of told) {
    const line = `${one.address} on ${one.node}: ${changeText(one)}: ${outcomeText(one)}`;
    if (WELL.has(one.outcome.state)) deps.out(line);
    else deps.err(`error: ${line}`);
  }
  for (const { node, addresses, refused: refusal } of refused) {
    deps.err(`error: nothing was changed on ${node} for ${addresses.join(', ')}`);
    explain(refusal, deps);
  }
}

const changeText = ({ before, after }: Edited): string =>
  (
    [
      ['net_in', before.netInKbit, after.netInKbit],
      ['net_out', before.netOutKbit, after.netOutKbit],
    ] as const
  )
    .map(([way, from, to]) =>
      from === to ? `${way} ${rateText(to)}` : `${way} ${rateText(from)} -> ${rateText(to)}`,
    )
    .join(', ') + (after.forced ? ' (forced past the link)' : '');

function outcomeText({ outcome, node }: Told): string {
  switch (outcome.state) {
    case 'enforced':
      return 'enforced';
    case 'written':
      return "written; the node's agent was not waited for";
    case 'unchanged':
      return 'so already';
    case 'failed':
    case 'invalid':
      return `${outcome.state}, the former limit is in force: ${outcome.reason}`;
    case 'replaced':
      return 'replaced by a later edit';
    case 'gone':
      return 'its lease is gone';
    case 'waiting':
      return outcome.alive
        ? `written, but the agent of ${node} did not say in ${WAIT_MS / 1000} s that it is enforced`
        : `written, but no agent is alive on ${node} to enforce it`;
  }
}

const fieldsOf = ({ outcome, ...edited }: Told): object => ({ ...edited, ...outcome });

const refusedFields = ({ node, addresses, refused }: Refused): object[] =>
  addresses.map((address) => ({
    ...{ node, address, state: 'refused' },
    ...{ code: refused.code, reason: refused.message, remedy: refused.remedy },
  }));
