import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { patternOf, quoted } from '../../src/core/regex.ts';

describe('patternOf', () => {
  for (const { says, pattern, value, gives } of [
    { says: 'is anchored at the start', pattern: 'b', value: 'ab', gives: false },
    { says: 'is anchored at the end', pattern: 'a', value: 'ab', gives: false },
    { says: 'anchors every alternative', pattern: 'a|b', value: 'ab', gives: false },
    { says: 'takes any alternative', pattern: 'a|b', value: 'b', gives: true },
    { says: 'takes alternatives in a group', pattern: '(a|b)', value: 'b', gives: true },
    { says: 'reads a dot as any character', pattern: 'n1.x', value: 'n1-x', gives: true },
    {
      says: 'reads an escaped dot as a dot',
      pattern: String.raw`n1\.x`,
      value: 'n1-x',
      gives: false,
    },
    { says: 'knows counted classes', pattern: 'n[0-9]{1,3}', value: 'n123', gives: true },
    { says: 'knows quoted text', pattern: String.raw`\Qa.b\E`, value: 'a.b', gives: true },
    { says: 'ignores case when asked', pattern: '(?i)AB', value: 'ab', gives: true },
    { says: 'keeps an empty alternative', pattern: 'a|', value: '', gives: true },
    { says: 'judges literals beyond ASCII', pattern: 'büro|é', value: 'büro', gives: true },
    { says: 'does not judge look-ahead', pattern: '(?=a)a', value: 'a', gives: undefined },
    { says: 'does not judge look-behind', pattern: '(?<=a)b', value: 'ab', gives: undefined },
    {
      says: 'does not judge back-references',
      pattern: String.raw`(a)\1`,
      value: 'aa',
      gives: undefined,
    },
    { says: 'does not judge possessive repeats', pattern: 'a*+', value: 'a', gives: undefined },
    {
      says: 'does not judge class intersections',
      pattern: '[a-z&&[^b]]',
      value: 'a',
      gives: undefined,
    },
    { says: 'does not judge nested classes', pattern: '[[:alpha:]]', value: 'a', gives: undefined },
    {
      says: 'does not judge Java categories',
      pattern: String.raw`\p{Lower}`,
      value: 'a',
      gives: undefined,
    },
    { says: 'does not judge octal', pattern: String.raw`\0101`, value: 'A', gives: undefined },
    {
      says: 'does not judge vertical space',
      pattern: String.raw`\v`,
      value: ' ',
      gives: undefined,
    },
    { says: 'does not judge a broken repeat', pattern: 'a{,3}', value: 'a', gives: undefined },
    { says: 'does not judge an open class', pattern: '[a', value: 'a', gives: undefined },
    { says: 'does not judge a lone backslash', pattern: '\\', value: 'a', gives: undefined },
    { says: 'does not judge values beyond ASCII', pattern: 'a.', value: 'aé', gives: undefined },
    {
      says: 'does not judge huge repeats',
      pattern: '(a{1,900}b){1,900}',
      value: 'ab',
      gives: undefined,
    },
    {
      says: 'does not judge very long patterns',
      pattern: '[ab]'.repeat(2000),
      value: 'a',
      gives: undefined,
    },
  ])
    it(says, () => assert.equal(patternOf(pattern).matches(value), gives));

  it('says why it does not judge', () => {
    assert.match(patternOf('x(?=a)').why, /only Java reads "\(\?=a\)" \(character 2\)/);
  });

  it('is not stalled by patterns that backtracking would die of', () => {
    for (const pattern of ['(a+)+b', '(a|a)*b', '(a*)*b', '(.*)*x', String.raw`(\w+\s?)*x`])
      assert.equal(patternOf(pattern).matches('a'.repeat(20_000)), false);
  });

  it('agrees with JavaScript where the syntax is the same', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      'a?',
      'b*',
      '(a|b)',
      '(?:ab)+',
      'a{2}',
      '|',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.stringMatching(/^[abc]{0,5}$/),
        (pieces, value) => {
          const source = pieces.join('');
          assert.equal(patternOf(source).matches(value), new RegExp(`^(?:${source})$`).test(value));
        },
      ),
    );
  });

  it('matches exactly the text that was quoted', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        assert.equal(patternOf(quoted(text)).matches(text), true);
        assert.equal(patternOf(quoted(text)).matches(other), text === other);
      }),
    );
  });
});
