// Uses the types of a generated schema as people do, and prints what it got. The URL of the REST
// routes and a key are its arguments.
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.js';

declare const process: { argv: string[] };
type Execution = components['schemas']['Execution'];
type State = components['schemas']['ExecutionState'];

const [baseUrl, key] = process.argv.slice(2);
const headers = { authorization: `Bearer ${key}` };
const client = createClient<paths, 'application/json'>({ baseUrl, headers });
const files = createClient<paths, 'text/csv'>({ baseUrl, headers: { ...headers, accept: 'text/csv' } });

const state: State[] = ['ERROR', 'TIMEOUT'];
const all: Execution[] = (await client.GET('/executions')).data ?? [];
const some: Execution[] = (await client.GET('/executions', { params: { query: { state } } })).data ?? [];
const page = await client.GET('/executions', {
  params: { query: { state, page: 2, limit: 3, startDate: '2023-11-14' } },
});
const csv: string = (await files.GET('/executions', { parseAs: 'text' })).data ?? '';
const missing = await client.GET('/executions/{guid}', { params: { path: { guid: 'nobody' } } });
const refused = await client.GET('/executions', { params: { query: { limit: 0 } } });
const path = (guid: string) => ({ params: { path: { guid } } });
const one = await client.GET('/executions/{guid}', path('guid-01'));
const body = { state: 'STOPPED' } as const;
const updated = await client.PUT('/executions/{guid}', { ...path('guid-01'), body });
const deleted = await client.DELETE('/executions/{guid}', path('guid-02'));
const executionIds = ['guid-03', 'guid-04', 'nobody'];
const many = await client.DELETE('/executions', { body: { executionIds } });
const total = page.response.headers.get('x-total-count');

console.log(
  JSON.stringify({
    all: all.length,
    states: [...new Set(some.map((each) => each.state))].sort(),
    page: page.data?.length,
    total,
    'lines of csv': csv.split('\r\n').length,
    one: one.data,
    missing: missing.error?.code,
    refused: [refused.response.status, refused.error?.message],
    updated: updated.data?.state,
    deleted: deleted.data,
    'many deleted': many.data?.affected,
  }),
);
