import Joi from 'joi';
import { BadMesosAnswer } from '../errors.ts';

/** One reservation of the token on one agent. */
export interface TokenPart {
  /** "*" is unreserved. */
  readonly role: string;
  readonly principal?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly amount: number;
}

/** One agent's token as the leading master tells it. */
export interface TokenOnAgent {
  readonly agentId: string;
  readonly hostname: string;
  readonly parts: readonly TokenPart[];
}

interface WireReservation {
  readonly role?: string;
  readonly principal?: string;
  readonly labels?: {
    readonly labels?: readonly { readonly key: string; readonly value?: string }[];
  };
}

interface WireToken {
  readonly name: string;
  readonly scalar?: { readonly value: number };
  readonly role?: string;
  /** Before reservation refinement. */
  readonly reservation?: WireReservation;
  /** Since then; the last one counts. */
  readonly reservations?: readonly WireReservation[];
}

interface WireSlave {
  readonly id: string;
  readonly hostname: string;
  readonly unreserved_resources_full: readonly WireToken[];
  readonly reserved_resources_full: Readonly<Record<string, readonly WireToken[]>>;
}

const open = Joi.object().unknown();
const text = Joi.string().allow('');
const label = open.keys({ key: text.required(), value: text });
const reservation = open.keys({
  role: Joi.string(),
  principal: Joi.string(),
  labels: open.keys({ labels: Joi.array().items(label) }),
});
const resource = open.keys({
  name: Joi.string().required(),
  scalar: open.keys({ value: Joi.number().required() }),
  role: Joi.string(),
  reservation,
  reservations: Joi.array().items(reservation),
});
const resources = Joi.array().items(resource);
const slave = open.keys({
  id: Joi.string().required(),
  hostname: Joi.string().required(),
  unreserved_resources_full: resources.default([]),
  reserved_resources_full: Joi.object().pattern(Joi.string(), resources).default({}),
});
const slavesSchema = open.keys({ slaves: Joi.array().items(slave).required() });

const labelsOf = ({ labels }: WireReservation): Record<string, string> =>
  Object.fromEntries((labels?.labels ?? []).map(({ key, value = '' }) => [key, value]));

function partOf({ scalar, role = '*', reservation, reservations }: WireToken): TokenPart {
  const last = reservations?.at(-1) ?? reservation ?? {};
  const { principal } = last;
  return {
    role: last.role ?? role,
    ...(principal !== undefined && { principal }),
    labels: labelsOf(last),
    amount: scalar?.value ?? 0,
  };
}

/**
 * From an answer to GET /slaves, which has whole resources; agents without the token are left out.
 *
 * @throws BadMesosAnswer
 */
export function tokensIn(answer: unknown, token: string): readonly TokenOnAgent[] {
  const outcome: Joi.ValidationResult<unknown> = slavesSchema.validate(answer, { convert: false });
  if (outcome.error) throw new BadMesosAnswer('GET /slaves', outcome.error.message);
  const { slaves } = outcome.value as { slaves: readonly WireSlave[] };
  return slaves
    .map((one) => {
      const all = [
        ...one.unreserved_resources_full,
        ...Object.values(one.reserved_resources_full).flat(),
      ];
      const parts = all.filter(({ name }) => name === token).map(partOf);
      return { agentId: one.id, hostname: one.hostname, parts };
    })
    .filter(({ parts }) => parts.length > 0);
}

interface WireFlags {
  readonly get_flags: {
    readonly flags: readonly { readonly name: string; readonly value?: string }[];
  };
}

const flag = open.keys({ name: Joi.string().required(), value: text });
const flagsSchema = open.keys({
  get_flags: open.keys({ flags: Joi.array().items(flag).required() }).required(),
});

/**
 * `--min_allocatable_resources` from the answer to GET_FLAGS: sets of resources, one of which an agent
 * must have left to be offered. Undefined when it is not set.
 *
 * @throws BadMesosAnswer
 */
export function minAllocatable(answer: unknown): readonly ReadonlySet<string>[] | undefined {
  const { error } = flagsSchema.validate(answer, { convert: false });
  if (error) throw new BadMesosAnswer('GET_FLAGS', error.message);
  const { flags } = (answer as WireFlags).get_flags;
  const value = flags.find(({ name }) => name === 'min_allocatable_resources')?.value;
  return value?.split('|').map((one) => new Set(one.split(';').map(nameOf)));
}

const nameOf = (pair: string): string => pair.slice(0, Math.max(0, pair.indexOf(':'))).trim();
