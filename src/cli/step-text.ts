import { formatRate } from '../core/rate.ts';
import type { Step } from '../core/topology-diff.ts';
import { sameRecord } from '../core/topology-diff.ts';

/** One change in a line or more: `+` new, `~` changed field by field, `-` gone. */
export function stepText(step: Step): string {
  const title = `${step.kind} ${step.name}`;
  if (step.do === 'drop') return `- ${title}`;
  if (!step.before) return `+ ${title}  ${summary(step.record)}`;
  const [before, record] = [fieldsOf(step.before), fieldsOf(step.record)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(record)])].sort();
  const changed = names.filter((name) => !sameRecord(before[name], record[name]));
  return [
    `~ ${title}`,
    ...changed.map(
      (name) =>
        `    ${shortName(name)}: ${text(name, before[name])} -> ${text(name, record[name])}`,
    ),
  ].join('\n');
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (record: object): Fields => {
  const fields: Fields = { ...record };
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'v'));
};

const summary = (record: object): string =>
  Object.entries(fieldsOf(record))
    .filter(([, value]) => !isEmpty(value))
    .map(([name, value]) => `${shortName(name)}=${text(name, value)}`)
    .join(' ');

const isEmpty = (value: unknown): boolean =>
  value === undefined || sameRecord(value, {}) || sameRecord(value, []);

/** The value carries its unit. */
const shortName = (name: string): string => name.replace(/Kbit$/, '');

interface Ends {
  readonly from: string;
  readonly to: string;
}

function text(name: string, value: unknown): string {
  if (value === undefined) return 'none';
  if (name.endsWith('Kbit') && typeof value === 'number') return formatRate(value);
  if (name === 'ranges')
    return (value as readonly Ends[])
      .map(({ from, to }) => (from === to ? from : `${from}-${to}`))
      .join(',');
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
