import { Refusal } from './errors.ts';
import type { Fault } from './topology-errors.ts';

type Fields = Readonly<Record<string, unknown>>;

const NAME = /^[a-z0-9][a-z0-9_.-]*$/;
const LONGEST_NAME = 253;

const isFields = (raw: unknown): raw is Fields =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw);

/** What was written, short enough for a message. */
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? 'nothing' : text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/**
 * One mapping of a topology as people write it. Every reader gives back `undefined` for a missing or
 * faulty field and notes the fault, so that one pass finds them all.
 */
export class Sheet {
  readonly #fields: Fields;
  constructor(
    readonly where: string,
    raw: unknown,
    private readonly faults: Fault[],
    /** Key of this sheet in the mapping that holds it. */
    readonly name = '',
  ) {
    this.#fields = isFields(raw) ? raw : {};
    if (!isFields(raw))
      this.fault(`a mapping is needed, not ${shown(raw)}`, 'write key: value lines');
  }

  fault(says: string, remedy: string): void {
    this.faults.push({ where: this.where, says, remedy });
  }

  /** Notes every key beyond these. */
  only(...known: readonly string[]): this {
    for (const key of Object.keys(this.#fields))
      if (!known.includes(key))
        this.fault(`unknown key ${shown(key)}`, `known keys here are ${known.join(', ')}`);
    return this;
  }

  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  /** A key spelled without a value reads as null, and counts as left out. */
  raw(key: string): unknown {
    return Object.hasOwn(this.#fields, key) ? (this.#fields[key] ?? undefined) : undefined;
  }

  text(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'string') return value;
    this.fault(`${key} must be text, not ${shown(value)}`, `put ${key} in quotes`);
    return undefined;
  }

  need(key: string): void {
    if (!this.has(key)) this.fault(`${key} is missing`, `give a ${key}`);
  }

  /** Any field through a reader that refuses with a Refusal. */
  as<T>(key: string, read: (value: string) => T): T | undefined {
    const value = this.text(key);
    return value === undefined ? undefined : this.tried(key, () => read(value));
  }

  tried<T>(key: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      this.fault(`${key}: ${fault.message}`, fault.remedy);
      return undefined;
    }
  }

  /** A list, or one item standing for a list of one. */
  list(key: string): readonly unknown[] {
    const value = this.raw(key);
    if (value === undefined) return [];
    return Array.isArray(value) ? (value as unknown[]) : [value];
  }

  texts(key: string): readonly string[] {
    return this.list(key).filter((item): item is string => {
      if (typeof item === 'string') return true;
      this.fault(`${key} holds ${shown(item)}, which is not text`, 'put it in quotes');
      return false;
    });
  }

  number(key: string, fits: (value: number) => boolean, range: string): number | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value) && fits(value)) return value;
    this.fault(`${key} ${shown(value)} is not ${range}`, `give ${key} as ${range}`);
    return undefined;
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.text(key);
    const found = choices.find((choice) => choice === value);
    if (value === undefined || found !== undefined) return found;
    this.fault(`${key} "${value}" is unknown`, `choose ${choices.join(' or ')}`);
    return undefined;
  }

  /** Text by text, e.g. attributes. Sorted by key. */
  labels(key: string): Readonly<Record<string, string>> {
    const value = this.raw(key);
    if (value === undefined) return {};
    if (!isFields(value)) {
      this.fault(`${key} must be a mapping, not ${shown(value)}`, 'write name: value lines');
      return {};
    }
    const sorted = Object.keys(value).sort();
    return Object.fromEntries(sorted.map((name) => [name, this.label(key, name, value[name])]));
  }

  private label(key: string, name: string, value: unknown): string {
    if (typeof value === 'number' || typeof value === 'string') return String(value);
    this.fault(`${key}.${name} must be text, not ${shown(value)}`, 'put it in quotes');
    return '';
  }

  sub(key: string): Sheet | undefined {
    const value = this.raw(key);
    return value === undefined
      ? undefined
      : new Sheet(`${this.where} ${key}`, value, this.faults, key);
  }

  /** The named sheets of a mapping of mappings, their names checked. */
  named(key: string, kind: string): readonly Sheet[] {
    const all = this.raw(key);
    if (all === undefined) return [];
    if (!isFields(all)) {
      this.fault(`${key} must be a mapping, not ${shown(all)}`, `write ${kind} names as keys`);
      return [];
    }
    return Object.entries(all).map(([name, raw]) =>
      new Sheet(`${kind} ${shown(name)}`, raw, this.faults, name).nameChecked(),
    );
  }

  nameChecked(): this {
    if (!NAME.test(this.name) || this.name.length > LONGEST_NAME)
      this.fault(
        `its name is not within [a-z0-9][a-z0-9_.-]* of at most ${LONGEST_NAME} characters`,
        'rename it in lower case',
      );
    return this;
  }
}
