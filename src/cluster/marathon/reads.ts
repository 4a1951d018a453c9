import type { Json, JsonObject } from './json.ts';
import { isObject } from './json.ts';

/** Something that has to be known about Marathon's state before a change can be judged. */
export type MarathonRead =
  /** The app as shown, its tasks included. */
  | { readonly what: 'app'; readonly id: string }
  | { readonly what: 'app-version'; readonly id: string; readonly version: string }
  /** The definition of a pod. */
  | { readonly what: 'pod'; readonly id: string }
  /** What became of its instances. */
  | { readonly what: 'pod-status'; readonly id: string }
  /** The group with everything below it. */
  | { readonly what: 'group'; readonly id: string }
  | { readonly what: 'group-version'; readonly id: string; readonly version: string }
  /** Every version that is kept of a group, as an array of timestamps. */
  | { readonly what: 'group-versions'; readonly id: string }
  /** The running deployments, as an array. */
  | { readonly what: 'deployments' };

/** By `readKey`; undefined where Marathon has no such thing. */
export type Answers = ReadonlyMap<string, Json | undefined>;

export const readKey = (read: MarathonRead): string => JSON.stringify(read);

/** A step by step question: yields reads, is given their answers in the same order. */
export type Inquiry<Result> = Generator<
  readonly MarathonRead[],
  Result,
  readonly (Json | undefined)[]
>;

/** One read whose answer is an object or nothing. */
export function* object(read: MarathonRead): Inquiry<JsonObject | undefined> {
  const [answer] = yield [read];
  return isObject(answer) ? answer : undefined;
}

/** Goes on as far as the answers reach: the result, or the reads that are missing. */
export function advance<Result>(
  inquiry: Inquiry<Result>,
  answers: Answers,
): { readonly missing: readonly MarathonRead[] } | { readonly result: Result } {
  let step = inquiry.next();
  while (!step.done) {
    const missing = step.value.filter((read) => !answers.has(readKey(read)));
    if (missing.length > 0) return { missing };
    step = inquiry.next(step.value.map((read) => answers.get(readKey(read))));
  }
  return { result: step.value };
}
