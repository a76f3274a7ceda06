import { graphql } from "./generated/gql";

export const POSITION = graphql(`
  query Position {
    eventCursor
  }
`);

/** The console: the rail, and the view that the address names. */
export function App() {
  return <main>Executions Gateway</main>;
}
