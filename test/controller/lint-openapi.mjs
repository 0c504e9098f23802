// Lints the OpenAPI document on standard input, with warnings as errors, and writes what is wrong as a list of sentences.
// In a process of its own: the linter is an ES module, which the test runner cannot load.

import { createConfig, lintFromString } from '@redocly/openapi-core';
import { readFileSync } from 'node:fs';

const source = readFileSync(0, 'utf8');
const config = await createConfig({ extends: ['recommended-strict'] });
const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config });
const sentences = problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`);
process.stdout.write(JSON.stringify(sentences));
