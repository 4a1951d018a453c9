/**
 * Where Java's regular expressions and RE2's agree. Both accept some text with different meanings
 * (`[a&&b]`, `[[:alpha:]]`, `\v`, `(?U)`), so a pattern is judged only if each token of it is on this list.
 */
type Token = { readonly is: TokenKind; readonly text: string };
type TokenKind = 'atom' | 'open' | 'close' | 'flags' | 'repeat' | 'or' | 'class';

const IN_CLASS = String.raw`(?:\\[dDwWsS]|\\[^A-Za-z0-9]|\\x[0-9A-Fa-f]{2}|[^\\\]\[&])`;

/** First rule that fits wins; tried at the place where the last token ended. */
const TOKENS: readonly (readonly [TokenKind, RegExp])[] = [
  ['atom', /\\Q(?:(?!\\E)[^])*(?:\\E|$)/y],
  [
    'atom',
    /\\(?:[dDwWsSbBAz]|[tnrfa]|x[0-9A-Fa-f]{2}|[pP](?:[A-Z]|\{[A-Z][a-z]?\})|[^A-Za-z0-9])/y,
  ],
  ['class', new RegExp(String.raw`\[\^?${IN_CLASS}+\]`, 'y')],
  ['open', /\((?:\?(?:[ims]*(?:-[ims]+)?:|<[A-Za-z][A-Za-z0-9]*>))?(?!\?)/y],
  ['flags', /\(\?[ims]*(?:-[ims]+)?\)/y],
  ['close', /\)/y],
  ['repeat', /(?:[*+?]|\{\d{1,4}(?:,\d{0,4})?\})\??/y],
  ['or', /\|/y],
  ['atom', /[^\\[(){*+?|]/y],
];

/** A class escape followed by a dash, as in `[\w-a]`: read as a range by one and a union by the other. */
const DASH_AFTER_ESCAPE = /\\[dDwWsS]-[^\]]/;

function tokensOf(pattern: string): readonly Token[] | { readonly stuckAt: number } {
  const tokens: Token[] = [];
  let at = 0;
  while (at < pattern.length) {
    const token = tokenAt(pattern, at);
    if (token === undefined) return { stuckAt: at };
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function tokenAt(pattern: string, at: number): Token | undefined {
  for (const [is, rule] of TOKENS) {
    rule.lastIndex = at;
    const text = rule.exec(pattern)?.[0];
    if (text !== undefined && text !== '') return { is, text };
  }
  return undefined;
}

const timesOf = (repeat: string): number => {
  const counts = repeat.match(/\d+/g)?.map(Number) ?? [1];
  return Math.max(1, ...counts);
};

/** Roughly the instructions that a compiled pattern takes: counted repeats multiply what they repeat. */
function weightOf(tokens: readonly Token[]): number {
  const sums = [0];
  let last = 0;
  const add = (weight: number) => {
    sums[sums.length - 1] = (sums[sums.length - 1] ?? 0) + weight;
    last = weight;
  };
  for (const { is, text } of tokens) {
    if (is === 'open') sums.push(2);
    else if (is === 'close') add(sums.length > 1 ? (sums.pop() ?? 0) : 0);
    else if (is === 'repeat') add(last * (timesOf(text) - 1) + 1);
    else add(is === 'atom' ? text.length : 1);
  }
  return sums.reduce((sum, weight) => sum + weight, 0);
}

/**
 * Why a pattern cannot be judged the way Java would, or undefined when it can.
 *
 * @param pattern    as the app states it
 * @param mostParts  weight over which a pattern is too costly to compile and run on every node
 */
export function whyNotJudged(pattern: string, mostParts: number): string | undefined {
  if (/[^\x20-\x7e]/.test(pattern)) return 'it holds characters outside printable ASCII';
  const tokens = tokensOf(pattern);
  if ('stuckAt' in tokens) {
    const rest = pattern.slice(tokens.stuckAt, tokens.stuckAt + 12);
    return `only Java reads "${rest}" (character ${tokens.stuckAt + 1}) the way it is meant`;
  }
  if (tokens.some(({ is, text }) => is === 'class' && isAmbiguous(text)))
    return 'a character class of it is read differently outside Java';
  const weight = weightOf(tokens);
  return weight > mostParts ? `it is too large: ${weight} parts, at most ${mostParts}` : undefined;
}

const isAmbiguous = (text: string): boolean =>
  DASH_AFTER_ESCAPE.test(text) || text.startsWith('[^^') || text.includes('--');
