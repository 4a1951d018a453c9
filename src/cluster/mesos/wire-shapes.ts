import type { WireAgent } from './wire.ts';

/** Plain looks at what the schemas of wire-read.ts describe; whatever passes here passes there. */
type Look = (value: unknown) => boolean;
type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Look = (value) => typeof value === 'string';
const isName: Look = (value) => typeof value === 'string' && value !== '';
const isFlag: Look = (value) => typeof value === 'boolean';
const isNumber: Look = (value) => Number.isFinite(value) && Math.abs(value as number) <= SAFE;
const SAFE = Number.MAX_SAFE_INTEGER;

const optional =
  (look: Look): Look =>
  (value) =>
    value === undefined || look(value);

const listOf =
  (look: Look): Look =>
  (value) =>
    Array.isArray(value) && value.every(look);

const having =
  (looks: Readonly<Record<string, Look>>): Look =>
  (value) => {
    if (!isObject(value)) return false;
    for (const name in looks) if (looks[name]?.(value[name]) !== true) return false;
    return true;
  };

const scalar = optional(having({ value: isNumber }));
const ranges = optional(
  having({ range: optional(listOf(having({ begin: isNumber, end: isNumber }))) }),
);

const resource = having({
  name: isName,
  scalar,
  ranges,
  role: optional(isName),
  reservations: optional(listOf(having({ role: optional(isName) }))),
  revocable: optional(isObject),
  disk: optional(having({ persistence: optional(isObject), source: optional(isObject) })),
});

const attribute = having({
  name: isName,
  type: isName,
  text: optional(having({ value: isText })),
  scalar,
  ranges,
  set: optional(having({ item: optional(listOf(isText)) })),
});

const named = optional(having({ name: isText }));

const info = having({
  id: optional(having({ value: isName })),
  hostname: isName,
  attributes: optional(listOf(attribute)),
  domain: optional(having({ fault_domain: optional(having({ region: named, zone: named })) })),
});

const agent = having({
  agent_info: info,
  active: isFlag,
  deactivated: optional(isFlag),
  drain_info: optional(having({ state: optional(isName) })),
  registered_time: optional(having({ nanoseconds: (value) => Number.isFinite(value) })),
  total_resources: optional(listOf(resource)),
  allocated_resources: optional(listOf(resource)),
});

/** False does not mean wrong: ask the schema, which says what is. */
export const isAgent = (value: unknown): value is WireAgent => agent(value);
