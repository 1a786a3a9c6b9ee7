import js from '@eslint/js';
import a11y from 'eslint-plugin-jsx-a11y';
import hooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['node_modules', 'public', '*.js', 'src/api/schema.d.ts'] },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  hooks.configs.flat['recommended-latest'],
  a11y.flatConfigs.recommended,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      // What scrolls must be reachable by keyboard, and a region that is labelled is.
      'jsx-a11y/no-noninteractive-tabindex': ['error', { roles: ['region', 'log', 'tabpanel'], tags: [], allowExpressionValues: true }],
      // Focus goes to the first field of a dialog that the user opened.
      'jsx-a11y/no-autofocus': 'off',
    },
  },
);
