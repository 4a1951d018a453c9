import Joi from 'joi';
import { canonicalAddress } from '../../core/address.ts';
import { Refusal } from '../../core/errors.ts';
import { parseRate } from '../../core/rate.ts';
import { parseStrictJson } from '../../plumbing/strict-json.ts';
import type { ConsoleDeps, LimitEdit } from '../deps.ts';
import { BadChange } from '../errors.ts';
import type { Asked, Reply, Route } from '../route.ts';
import { editedShape } from '../shapes/limits.ts';

const LONGEST_WHY = 500;

const rate = Joi.alternatives(Joi.number(), Joi.string()).custom((value: number | string) => {
  try {
    return parseRate(value);
  } catch (fault) {
    if (fault instanceof Refusal) throw new Error(fault.message, { cause: fault });
    throw fault;
  }
});

interface SetBody {
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
  readonly force?: boolean;
  readonly why?: string;
}

const setBody = Joi.object<SetBody>({
  netInKbit: rate,
  netOutKbit: rate,
  force: Joi.boolean().strict(),
  why: Joi.string().max(LONGEST_WHY),
})
  .or('netInKbit', 'netOutKbit')
  .required();

const resetQuery = Joi.object({
  force: Joi.boolean().description('even past what the link takes'),
  why: Joi.string().max(LONGEST_WHY).description('for the audit'),
});

const PATH = '/v1/limits/:node/:address';

/** How fast a container may be, from now on: through the same door as the command line. */
export const limitEditRoutes = ({ limits }: ConsoleDeps): readonly Route[] => {
  const edit = async (
    asked: Asked,
    how: Pick<LimitEdit, 'wish' | 'force' | 'why'>,
  ): Promise<Reply> => {
    const { node = '', address = '' } = asked.params;
    const who = `console, from ${asked.from}`;
    const place = { node, address: canonicalAddress(address) };
    return { body: editedShape(await limits.edit({ ...place, ...how, who }, asked.signal)) };
  };
  return [
    {
      method: 'put',
      path: PATH,
      summary: 'another limit; 409 with figures when the link has no room for it',
      takes:
        '{"netInKbit", "netOutKbit"}: kbit/s or text such as "50mbit", one of them or both; {"force": true} even past the link; {"why"} for the audit',
      answer: async (asked) => {
        const { why, force, ...rates } = bodyOf(parseStrictJson(await asked.body()));
        const forced = force ? ({ force } as const) : {};
        return edit(asked, { wish: { ...rates, ...forced }, ...(why !== undefined && { why }) });
      },
    },
    {
      method: 'delete',
      path: PATH,
      summary: 'what the app asked for again, or the default of the network',
      query: resetQuery,
      answer: (asked) => {
        const { force, why } = asked.query as Pick<SetBody, 'force' | 'why'>;
        const insisting = force ? ({ force } as const) : {};
        return edit(asked, { wish: 'reset', ...insisting, ...(why !== undefined && { why }) });
      },
    },
  ];
};

function bodyOf(body: unknown): SetBody {
  const outcome = setBody.validate(body, { abortEarly: false, errors: { wrap: { label: false } } });
  if (outcome.error) throw new BadChange(outcome.error.details.map(({ message }) => message));
  return outcome.value;
}
