// Distinct connections mode of GraphQL over Server-Sent Events, case by case:
// node cases.mjs SUBJECT.json [ID...], see README.md.
import { readFile } from 'node:fs/promises';

import { runTable } from '../table.mjs';
import client from './cases/client.mjs';
import eventSource from './cases/event_source.mjs';
import wire from './cases/wire.mjs';

const [file, ...chosen] = process.argv.slice(2);
await runTable(
  [...wire, ...client, ...eventSource],
  JSON.parse(await readFile(file, 'utf8')),
  chosen,
);
