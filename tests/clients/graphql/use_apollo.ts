// Pages through the gateway with Apollo Client, and prints what is in the cache then.
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import {
  AgentflowPageDocument,
  ExecutionPageDocument,
  OneNodeDocument,
  StopDocument,
} from './typed/graphql.js';

declare const process: { argv: string[] };

const uri = process.argv[2] ?? '';
const client = new ApolloClient({
  link: new HttpLink({ uri }),
  cache: new InMemoryCache({
    possibleTypes: { Node: ['Agentflow', 'Execution', 'Session'] },
    typePolicies: {
      Query: {
        fields: { agentflows: relayStylePagination(), executions: relayStylePagination(['filter']) },
      },
    },
  }),
});

const byFive = { query: ExecutionPageDocument, variables: { first: 5 } };
let page = (await client.query(byFive)).data?.executions;
const executions = client.watchQuery(byFive);
executions.subscribe(() => {});
let requests = 1;
for (; page?.pageInfo.hasNextPage; requests++) {
  const more = await executions.fetchMore({ variables: { after: page.pageInfo.endCursor } });
  page = more.data?.executions;
}
const merged = client.readQuery(byFive);

const byTwo = { query: AgentflowPageDocument, variables: { first: 2, size: 3 } };
let flows = (await client.query(byTwo)).data?.agentflows;
const agentflows = client.watchQuery(byTwo);
agentflows.subscribe(() => {});
while (flows?.pageInfo.hasNextPage) {
  const more = await agentflows.fetchMore({ variables: { after: flows.pageInfo.endCursor } });
  flows = more.data?.agentflows;
}
const flow = client.readQuery(byTwo);
const first = merged?.executions.edges[0]?.node;
if (!first) throw new Error('no execution');
const stopped = await client.mutate({ mutation: StopDocument, variables: { guid: first.guid } });
const after = client.readQuery(byFive);
const node = await client.query({ query: OneNodeDocument, variables: { id: first.id } });

console.log(
  JSON.stringify({
    requests,
    total: merged.executions.totalCount,
    guids: merged.executions.edges.map((edge) => edge.node.guid),
    'has more': merged.executions.pageInfo.hasNextPage,
    agentflows: flow?.agentflows.edges.map((edge) => edge.node.name),
    node: node.data?.node,
    stopped: stopped.data?.updateExecution?.__typename,
    'stopped in the list': after?.executions.edges[0]?.node.state,
  }),
);
