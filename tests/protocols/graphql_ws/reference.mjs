// The server of the package graphql-ws itself, to run the cases against. Prints its URL.

import { createServer } from 'node:http';

import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const schema = buildSchema(`
  type Query { number: Int! }
  type Mutation { add: Int! }
  type Subscription { added: Int! }
`);

let number = 0;
const waiting = new Set();

/** The numbers from now on. A generator could not be ended while it waits. */
function added() {
  let end;
  const ended = new Promise((resolve) => {
    end = () => resolve({ done: true, value: undefined });
  });
  return {
    next() {
      const next = new Promise((resolve) => waiting.add(resolve));
      return Promise.race([ended, next.then((added) => ({ done: false, value: { added } }))]);
    },
    async return() {
      end();
      return ended;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const roots = {
  query: { number: () => number },
  mutation: {
    add() {
      number += 1;
      for (const wake of waiting) wake(number);
      waiting.clear();
      return number;
    },
  },
  subscription: { added },
};

const server = createServer();
const sockets = new WebSocketServer({ server, path: '/graphql' });
const served = useServer(
  {
    schema,
    roots,
    connectionInitWaitTimeout: 2000,
    onConnect: ({ connectionParams }) => connectionParams?.may !== false,
  },
  sockets,
);
process.on('SIGTERM', async () => {
  for (const socket of sockets.clients) socket.close(1012, 'Come back');
  await served.dispose();
  server.close();
});
server.listen(0, '127.0.0.1', () => {
  console.log(`ws://127.0.0.1:${server.address().port}/graphql`);
});
