import Joi from 'joi';
import type { VerdictRecord } from '../../core/verdict-record.ts';
import type { ConsoleDeps, VerdictReader } from '../deps.ts';
import { NotKnown } from '../errors.ts';
import type { Route } from '../route.ts';
import { verdictDetailShape, verdictShape } from '../shapes/verdicts.ts';

interface VerdictQuery {
  readonly limit: number;
  readonly before?: string;
  readonly app?: string;
  readonly answer?: VerdictRecord['answer'];
}

const ID = /^[0-9a-z]{1,64}(-[0-9a-z]{1,64})?$/;
const READ_AT_ONCE = 100;
/** Pages read to find matching verdicts; the log is bounded, a request is more so. */
const MOST_PAGES = 20;

const query = Joi.object<VerdictQuery>({
  limit: Joi.number().integer().min(1).max(500).default(50).description('most verdicts'),
  before: Joi.string().pattern(ID).description('id after which the page starts'),
  app: Joi.string().max(1_024).description('only verdicts on this app, by canonical id'),
  answer: Joi.string()
    .valid('admit', 'reroute', 'hold', 'refuse', 'pass')
    .description('only verdicts with this answer'),
});

interface Found {
  readonly verdicts: readonly { readonly id: string; readonly record: VerdictRecord }[];
  readonly next?: string;
}

/** The newest verdicts that match, and where to go on. */
async function find(log: VerdictReader, asked: VerdictQuery, signal: AbortSignal): Promise<Found> {
  const matches = ({ record }: Found['verdicts'][number]): boolean =>
    (asked.app === undefined || record.apps.includes(asked.app)) &&
    (asked.answer === undefined || record.answer === asked.answer);
  const found: Found['verdicts'][number][] = [];
  let before = asked.before;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const at = before === undefined ? {} : { before };
    const page = await log.list({ ...at, limit: READ_AT_ONCE }, signal);
    found.push(...page.verdicts.filter(matches));
    before = page.next;
    if (before === undefined || found.length > asked.limit) break;
  }
  const verdicts = found.slice(0, asked.limit);
  const next = found.length > asked.limit ? verdicts.at(-1)?.id : before;
  return { verdicts, ...(next !== undefined && { next }) };
}

/** The decision log. */
export const verdictRoutes = ({ verdicts: log }: ConsoleDeps): readonly Route[] => [
  {
    method: 'get',
    path: '/v1/verdicts',
    summary: 'what the gate said, newest first',
    query,
    answer: async ({ query: asked, signal }) => {
      const { verdicts, next } = await find(log, asked as unknown as VerdictQuery, signal);
      const shown = verdicts.map(({ id, record }) => verdictShape(id, record));
      return { body: { verdicts: shown, ...(next !== undefined && { next }) } };
    },
  },
  {
    method: 'get',
    path: '/v1/verdicts/:id',
    summary: 'one verdict, with what it was computed on and why not elsewhere',
    answer: async ({ params: { id = '' }, signal }) => {
      const record = ID.test(id) ? await log.get(id, signal) : undefined;
      if (!record) throw new NotKnown('verdict', id);
      return { body: verdictDetailShape(id, record) };
    },
  },
];
