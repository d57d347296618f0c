// node inspect.mjs OLD NEW: what graphql-inspector says changed between two schemas, one JSON object a line.
import { readFileSync } from 'node:fs';
import { diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [before, after] = process.argv.slice(2).map((path) => buildSchema(readFileSync(path, 'utf8')));
for (const { criticality, type, path, message } of await diff(before, after)) {
  console.log(JSON.stringify({ level: criticality.level, type, path: path ?? '', message }));
}
