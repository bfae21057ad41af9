import js from '@eslint/js'
import { importX } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'

// The four floors: a file imports its own or a lower one. Ground is what stands in src/ beside the entry,
// the commands, the HTTP side and what wires them together.
const ground = [
  'src/accessDocument.ts',
  'src/config.ts',
  'src/errors.ts',
  'src/encryption.ts',
  'src/errorDocument.ts',
  'src/fault.ts',
  'src/lifecycle.ts',
  'src/limits.ts',
  'src/log.ts',
  'src/mailer.ts',
  'src/openIdProviders.ts',
  'src/postgresErrors.ts',
  'src/progress.ts',
  'src/realtimeLimits.ts',
  'src/settings.ts',
  'src/slackApp.ts',
  'src/slackClient.ts',
  'src/trustedDocuments.ts',
  'src/turns.ts',
  'src/database/**',
  'src/passwords/**',
]
export default tseslint.config(
  { ignores: ['node_modules', '.plinth', 'coverage'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unnecessary-boolean-literal-compare': 'off', // options are texts or true
      '@typescript-eslint/require-await': 'off', // an async function turns what it throws into a rejection
      '@typescript-eslint/unbound-method': 'off', // objects are made by functions here, without `this`
      'import-x/no-default-export': 'error',
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Settings come from the entry: see src/config.ts.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...ground.map((file) => ({
              target: `./${file}`,
              from: [
                './src/cli.ts',
                './src/server.ts',
                './src/announce.ts',
                './src/preset.ts',
                './src/commands',
                './src/http',
                './plugins',
                './worker',
              ],
              message: 'Ground (floor 1) knows nothing of HTTP, GraphQL plugins, jobs or commands.',
            })),
            { target: './src', from: ['./test', './bench'], message: 'Nothing imports tests.' },
          ],
        },
      ],
    },
  },
  {
    files: ['plugins/**/*.ts', 'worker/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { paths: ['express'] }],
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            {
              target: './plugins',
              from: [
                './worker',
                './src/cli.ts',
                './src/server.ts',
                './src/announce.ts',
                './src/preset.ts',
                './src/commands',
                './src/http',
              ],
              message: 'A plugin (floor 2) builds on ground alone; it meets jobs in the database.',
            },
            {
              target: './worker',
              from: [
                './plugins',
                './src/cli.ts',
                './src/server.ts',
                './src/announce.ts',
                './src/preset.ts',
                './src/commands',
                './src/http',
              ],
              message: 'A task (floor 2) builds on ground alone; it meets plugins in the database.',
            },
          ],
        },
      ],
    },
  },
  {
    // Separate programs, which know the API and nothing else.
    files: ['examples/**/*.ts'],
    rules: {
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            {
              target: './examples',
              from: ['./src', './plugins', './worker', './test', './bench'],
              message: 'An example only speaks GraphQL.',
            },
          ],
        },
      ],
    },
  },
  {
    // The entries: where the process begins, and the programs that are started on their own.
    files: [
      'src/cli.ts',
      'src/database/installQueue.ts',
      'src/database/installRealtime.ts',
      'test/support/**',
      'bench/**',
      'examples/**',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // What Jest wants as a default export.
    files: ['*.config.ts', 'test/support/global*.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
  {
    // Tests look into answers whose shape the assertion itself is about.
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: { globals: { process: 'readonly', setInterval: 'readonly', clearInterval: 'readonly' } },
  },
)
