import { graphql } from 'relay-runtime';

export const query = graphql`
  query AgentflowListQuery($count: Int!, $cursor: String, $size: Int!, $after: String) {
    ...AgentflowList_query
  }
`;

export const list = graphql`
  fragment AgentflowList_query on Query @refetchable(queryName: "AgentflowListPageQuery") {
    agentflows(first: $count, after: $cursor) @connection(key: "AgentflowList_agentflows") {
      totalCount
      edges {
        node {
          id
          ...AgentflowList_agentflow
        }
      }
    }
  }
`;

export const agentflow = graphql`
  fragment AgentflowList_agentflow on Agentflow
  @refetchable(queryName: "AgentflowListExecutionsPageQuery") {
    name
    executions(first: $size, after: $after) @connection(key: "AgentflowList_executions") {
      edges {
        node {
          id
          state
          session {
            id
          }
        }
      }
    }
  }
`;
