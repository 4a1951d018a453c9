import tseslint from 'typescript-eslint';

/** A ban whose message is the advice. */
const instead = (object, property, message) => ({ object, property, message });

const environment = instead('process', 'env', 'only src/cli reads the environment');
const clock = instead('Date', 'now', 'take a clock as an argument');
const chance = instead('Math', 'random', 'take a chooser as an argument');

const moduleState = {
  selector: 'Program > VariableDeclaration[kind="let"]',
  message: 'no module-level state',
};
const hiddenClock = {
  selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
  message: 'take a clock as an argument',
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'eslint.config.mjs'] },
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      complexity: ['error', 10],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-properties': ['error', environment, clock, chance],
      'no-restricted-syntax': ['error', moduleState, hiddenClock],
    },
  },
  {
    files: ['src/plumbing/**'],
    rules: {
      'no-restricted-properties': ['error', environment],
      'no-restricted-syntax': ['error', moduleState],
    },
  },
  { files: ['src/cli/**'], rules: { 'no-restricted-properties': ['error', clock, chance] } },
  {
    files: ['test/**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              name: ['test', 'it', 'describe', 'suite', 'before', 'after'],
              package: 'node:test',
            },
          ],
        },
      ],
    },
  },
);
