// Pages through the gateway with urql and Graphcache, and prints what is in the cache then.
import { Client, fetchExchange, type AnyVariables, type TypedDocumentNode } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import {
  AgentflowPageDocument,
  ExecutionPageDocument,
  OneNodeDocument,
  StopDocument,
} from './typed/graphql.js';

declare const process: { argv: string[] };

const url = process.argv[2] ?? '';
const headers = { 'content-type': 'application/json' };
const body = JSON.stringify({ query: getIntrospectionQuery() });
const introspected = await fetch(url, { method: 'POST', headers, body });
const schema: IntrospectionQuery = (await introspected.json()).data;
const client = new Client({
  url,
  preferGetMethod: false,
  exchanges: [
    cacheExchange({
      schema,
      resolvers: { Query: { agentflows: relayPagination(), executions: relayPagination() } },
    }),
    fetchExchange,
  ],
});

async function read<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  requestPolicy: 'cache-first' | 'cache-only' = 'cache-first',
): Promise<Data> {
  const { data, error } = await client.query(query, variables, { requestPolicy }).toPromise();
  if (!data) throw error ?? new Error('neither data nor an error');
  return data;
}

let requests = 0;
let executions = (await read(ExecutionPageDocument, { first: 5 })).executions;
for (requests = 1; executions.pageInfo.hasNextPage; requests++) {
  const after = executions.pageInfo.endCursor;
  executions = (await read(ExecutionPageDocument, { first: 5, after })).executions;
}
const merged = await read(ExecutionPageDocument, { first: 5 }, 'cache-only');
let agentflows = (await read(AgentflowPageDocument, { first: 2, size: 3 })).agentflows;
while (agentflows.pageInfo.hasNextPage) {
  const after = agentflows.pageInfo.endCursor;
  agentflows = (await read(AgentflowPageDocument, { first: 2, size: 3, after })).agentflows;
}
const first = merged.executions.edges[0]?.node;
if (!first) throw new Error('no execution');
const stopped = await client.mutation(StopDocument, { guid: first.guid }).toPromise();
const after = await read(ExecutionPageDocument, { first: 5 }, 'cache-only');

console.log(
  JSON.stringify({
    requests,
    total: merged.executions.totalCount,
    guids: merged.executions.edges.map((edge) => edge.node.guid),
    'has more': merged.executions.pageInfo.hasNextPage,
    agentflows: agentflows.edges.map((edge) => edge.node.name),
    node: (await read(OneNodeDocument, { id: first.id })).node,
    stopped: stopped.data?.updateExecution?.__typename,
    'stopped in the list': after.executions.edges[0]?.node.state,
  }),
);
