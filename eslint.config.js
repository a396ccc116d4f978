// Faults in the page's JavaScript; how it looks is left to Prettier.

import js from "@eslint/js";
import globals from "globals";
import { parser, plugin } from "typescript-eslint";

export default [
  { ignores: ["**/*", "!src/**"] },
  {
    files: ["src/crnn_ocr/service/ui/**/*.js"],
    plugins: { types: plugin },
    languageOptions: { globals: globals.browser, parser, parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...js.configs.recommended.rules,
      "no-unused-private-class-members": "off", // tsc finds them, and knows that ??= reads
      "array-callback-return": "error",
      curly: "error",
      "default-case-last": "error",
      eqeqeq: "error",
      "no-constructor-return": "error",
      "no-eval": "error",
      "no-implicit-coercion": "error",
      "no-implied-eval": "error",
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-template-curly-in-string": "error",
      "no-throw-literal": "error",
      "no-unreachable-loop": "error",
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "types/await-thenable": "error",
      "types/no-floating-promises": "error",
      "types/no-misused-promises": ["error", { checksVoidReturn: false }], // listeners may be asynchronous
    },
  },
];
