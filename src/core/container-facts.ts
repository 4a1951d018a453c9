import { ratesOf, type RateFault, type RateNames } from './container-rates.ts';

/** Where a container says who it is. The first name that has a usable value counts. */
export interface FactNames {
  readonly rates: RateNames;
  readonly app: readonly FactName[];
  readonly task: readonly FactName[];
}

export interface FactName {
  readonly in: 'env' | 'label';
  readonly name: string;
}

/** `env:NAME` or `label:NAME`, as settings have it. */
export const factName = (text: string): FactName => {
  const [where = '', ...rest] = text.split(':');
  return { in: where === 'label' ? 'label' : 'env', name: rest.join(':') };
};

export interface ContainerWords {
  readonly env: ReadonlyMap<string, string>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerSays {
  /** Canonical id. */
  readonly app?: string;
  readonly task?: string;
  readonly netInKbit?: number;
  readonly netOutKbit?: number;
  /** What it says in a way that cannot be used, without the values: they may be secrets. */
  readonly faults: readonly RateFault[];
}

/** What the ledger takes for an app's id. */
const LONGEST = 1_024;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** What a container's environment and labels say of it. They are hostile: what is odd is left out. */
export function factsOf(words: ContainerWords, names: FactNames): ContainerSays {
  const { faults, ...rates } = ratesOf(words.env, names.rates);
  const app = firstOf(words, names.app, (id) => id.startsWith('/'));
  const task = firstOf(words, names.task, () => true);
  return {
    ...(app.value === undefined ? {} : { app: app.value }),
    ...(task.value === undefined ? {} : { task: task.value }),
    ...rates,
    faults: [...app.faults, ...task.faults, ...faults],
  };
}

interface Found {
  readonly value?: string;
  readonly faults: readonly RateFault[];
}

function firstOf(
  { env, labels }: ContainerWords,
  names: readonly FactName[],
  fits: (value: string) => boolean,
): Found {
  const faults: RateFault[] = [];
  for (const { in: where, name } of names) {
    const value =
      where === 'env' ? env.get(name) : Object.hasOwn(labels, name) ? labels[name] : undefined;
    if (value === undefined || value === '') continue;
    if (value.length <= LONGEST && !UNPRINTABLE.test(value) && fits(value))
      return { value, faults };
    faults.push({ name, says: `it is no id (${value.length} characters)` });
  }
  return { faults };
}
