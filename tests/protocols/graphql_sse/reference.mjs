// The server of the package graphql-sse itself, to run the cases against: node reference.mjs PORT.
// It prints a line once it answers. /subscriptions tells how many there are.
import { createServer } from 'node:http';

import { buildSchema } from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/http';

const schema = buildSchema(`
  type Query { number: Int! }
  type Mutation { add(number: Int!): Int! }
  type Subscription { added: Int! }
`);
const subscribers = new Set();

/** The numbers from now on, until the client goes. */
function added() {
  const numbers = [];
  let wake = () => {};
  let isOver = false;
  const subscriber = (number) => wake(numbers.push(number));
  subscribers.add(subscriber);
  return {
    async next() {
      while (!numbers.length && !isOver) await new Promise((resolve) => (wake = resolve));
      if (isOver) return { done: true, value: undefined };
      return { done: false, value: { added: numbers.shift() } };
    },
    async return() {
      isOver = true;
      subscribers.delete(subscriber);
      wake();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

schema.getQueryType().getFields().number.resolve = () => subscribers.size;
schema.getMutationType().getFields().add.resolve = (_, { number }) => {
  for (const subscriber of subscribers) subscriber(number);
  return number;
};
schema.getSubscriptionType().getFields().added.subscribe = added;

const handler = createHandler({
  schema,
  authenticate(request) {
    if (request.headers.get('authorization') !== 'Bearer nobody') return null;
    return [null, { status: 401, statusText: 'Unauthorized' }];
  },
});

createServer((request, response) => {
  if (request.url === '/subscriptions') response.end(String(subscribers.size));
  // It fails in the middle of a stream where a client goes while it is written to.
  else handler(request, response).catch(() => response.destroy());
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
