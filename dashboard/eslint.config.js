// The house's rules for TypeScript: strict with types, hooks, accessibility.
import js from '@eslint/js'
import a11y from 'eslint-plugin-jsx-a11y'
import hooks from 'eslint-plugin-react-hooks'
import { globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

export default tseslint.config(
  globalIgnores(['node_modules', 'src/api/graphql-env.d.ts']),
  {
    files: ['src/**/*.{ts,tsx}', 'vite.config.ts', 'scripts/*.ts'],
    extends: [
      js.configs.recommended,
      tseslint.configs.strictTypeChecked,
      hooks.configs.flat['recommended-latest'],
      a11y.flatConfigs.strict,
    ],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A number in a template is what templates are for.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `return say(…)` ends a branch, and an arrow that only calls says enough without braces.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // React awaits no handler, and ours answer for their own errors.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      // The first field of a dialog has the focus: that is what the dialog pattern asks for.
      'jsx-a11y/no-autofocus': 'off',
      'max-lines': ['error', 300],
    },
  },
  { files: ['scripts/*.mjs'], ...js.configs.recommended, languageOptions: { globals: { console: false, process: false, Buffer: false } } },
)
