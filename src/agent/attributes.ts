import { type AttributeChange, mayWrite, withChanges } from '../core/attributes-diff.ts';
import { renderAttributes } from '../core/attributes-text.ts';
import type { AgentAttributesSettings } from '../config/agent-attributes.ts';
import { startLoop } from '../plumbing/loop.ts';
import { replaceFile } from '../plumbing/write-file.ts';
import { itemOf, json } from './api.ts';
import { type AttributesLook, lookAtAttributes } from './attributes-file.ts';
import type { AgentContext, StartPart } from './part.ts';

/** What the part last saw and did. */
interface Kept {
  /** Changes that wait for people. */
  readonly waiting: readonly AttributeChange[];
  readonly faults: readonly string[];
  readonly written: number;
}

/**
 * Keeps the file of Mesos attributes as the ledger has the node: a file that is not there is made, and what
 * the agent's policy lets it take at any start is written. All else waits, and is told.
 */
export const attributesPart =
  (settings: AgentAttributesSettings & { readonly file: string }): StartPart =>
  (context) => {
    let kept: Kept = { waiting: [], faults: [], written: 0 };
    let told = '';
    const turn = async (signal: AbortSignal): Promise<void> => {
      kept = await keep(context, { settings, before: kept }, signal);
      const news = [...kept.waiting.map(({ says }) => says), ...kept.faults].join('; ');
      if (news !== told && news !== '')
        context.log.warn('attributes wait for people: see corral attributes diff', { news });
      told = news;
    };
    const { clock, log } = context;
    const timing = { backoffMs: 1_000, backoffCapMs: 60_000, deadlineMs: 10_000, clock, log };
    const loop = startLoop('attributes', turn, { ...timing, everyMs: settings.everyMs });
    return {
      ready: () => {
        const item = itemOf(loop.state());
        return [item.ready ? { ...item, detail: detailOf(kept) } : item];
      },
      routes: new Map([
        ['/v1/attributes', () => Promise.resolve(json({ file: settings.file, ...kept }))],
      ]),
      stop: () => loop.stop(),
    };
  };

const detailOf = ({ waiting, faults }: Kept): string =>
  waiting.length + faults.length === 0
    ? 'the file is as the ledger has it'
    : `${waiting.length} changes wait for a restart of the Mesos agent, ${faults.length} faults: see corral attributes diff`;

interface Keeping {
  readonly settings: AgentAttributesSettings & { readonly file: string };
  readonly before: Kept;
}

async function keep(
  { store, node, log }: AgentContext,
  { settings: { file: path, policy }, before }: Keeping,
  signal: AbortSignal,
): Promise<Kept> {
  const look = await lookAtAttributes(store, { node, path }, signal);
  const { changes, faults } = look;
  const now = writable(look, policy);
  if (now.length === 0) return { waiting: changes, faults, written: before.written };
  const next = withChanges(look.file?.attributes ?? new Map(), now);
  await replaceFile(path, renderAttributes(next));
  log.info('attributes written for the Mesos agent', {
    file: path,
    changes: now.map(({ says }) => says),
  });
  const waiting = changes.filter((change) => !now.includes(change));
  return { waiting, faults, written: before.written + now.length };
}

/** No agent was ever started with a file that is not there; one that does not read is people's to mend. */
function writable(
  { file, changes }: AttributesLook,
  policy: AgentAttributesSettings['policy'],
): readonly AttributeChange[] {
  if (!file) return changes;
  return file.faults.length > 0 ? [] : changes.filter((change) => mayWrite(policy, change));
}
