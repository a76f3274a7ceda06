// What goes over the wire.
import { operator, expect, skip, until } from '../../table.mjs';
import {
  all,
  EVENTS,
  expectOneResult,
  expectStatus,
  expectStream,
  following,
  get,
  nextOf,
  post,
  refused,
} from '../wire.mjs';

export default [
  {
    id: 'W01',
    name: 'a query by POST is one next event and complete, and then the stream ends',
    run: async (subject) => expectOneResult(await all(await post(subject, subject.query)), 'data'),
  },
  {
    id: 'W02',
    name: 'a query by GET is streamed alike',
    run: async (subject) => expectOneResult(await all(await get(subject, subject.query)), 'data'),
  },
  {
    id: 'W03',
    name: 'complete has an empty data field, without which an EventSource ignores it',
    run: async (subject) =>
      expect((await all(await post(subject, subject.query)))[1].data === '', 'it has none'),
  },
  {
    id: 'W04',
    name: 'a mutation by POST is streamed alike',
    run: async (subject) =>
      expectOneResult(await all(await post(subject, subject.mutation)), 'data'),
  },
  {
    id: 'W05',
    name: 'a mutation by GET is not run',
    async run(subject) {
      const response = await get(subject, subject.mutation);
      if (response.status === 405)
        return expect(response.headers.get('allow')?.includes('POST'), 'no Allow');
      return expectOneResult(await all(response), 'errors');
    },
  },
  {
    id: 'W06',
    name: 'what fails validation is a next event with errors, and complete',
    run: async (subject) =>
      expectOneResult(await all(await post(subject, subject.invalid)), 'errors'),
  },
  {
    id: 'W07',
    name: 'what fails validation by GET is a next event with errors, and complete',
    run: async (subject) =>
      expectOneResult(await all(await get(subject, subject.invalid)), 'errors'),
  },
  {
    id: 'W08',
    name: 'variables that do not fit are a next event with errors, and complete',
    run: async (subject) =>
      expectOneResult(await all(await post(subject, subject.badVariables)), 'errors'),
  },
  {
    id: 'W09',
    name: 'a document that is no GraphQL is refused, with a status or as an event',
    run: (subject) => refused(subject, { query: '{' }),
  },
  {
    id: 'W10',
    name: 'an operation that the document has not is refused, with a status or as an event',
    run: (subject) => refused(subject, { ...subject.query, operationName: 'Nobody' }),
  },
  {
    id: 'W11',
    name: 'a body that is no JSON is refused with a status',
    run: async (subject) => expectStatus(await post(subject, '{'), [400]),
  },
  {
    id: 'W12',
    name: 'a request without a document is refused with a status',
    run: async (subject) => expectStatus(await post(subject, {}), [400, 422]),
  },
  {
    id: 'W13',
    name: 'a body that does not claim to be JSON is refused with a status',
    async run(subject) {
      const headers = { 'content-type': 'text/plain' };
      expectStatus(await post(subject, subject.query, { headers }), [400, 415]);
    },
  },
  {
    id: 'W14',
    name: 'a method that is neither GET nor POST is refused with a status',
    async run({ url, headers }) {
      const response = await fetch(url, {
        method: 'PATCH',
        headers: { accept: EVENTS, ...headers },
      });
      expectStatus(response, [404, 405, 415, 501]);
    },
  },
  {
    id: 'W15',
    name: 'who may not ask gets a status, and no stream',
    async run(subject) {
      if (!subject.refusedHeaders) skip('the server refuses nobody');
      const stranger = { ...subject, headers: subject.refusedHeaders };
      expectStatus(await post(stranger, subject.subscription), [401, 403]);
      expectStatus(await get(stranger, subject.query), [401, 403]);
    },
  },
  {
    id: 'W16',
    name: 'the stream of a subscription begins before it has emitted anything',
    run: (subject) =>
      following(
        (signal) => post(subject, subject.subscription, { signal }),
        async (_, response) => expectStream(response),
      ),
  },
  ...[
    ['W17', 'POST', post],
    ['W18', 'GET', get],
  ].map(([id, method, ask]) => ({
    id,
    name: `each result of a subscription by ${method} is a next event`,
    run: (subject) =>
      following(
        (signal) => ask(subject, subject.subscription, { signal }),
        async (source) => {
          for (let count = 0; count < 3; count += 1) {
            const { contains } = await operator('event');
            const { data } = await nextOf(source);
            expect(data.includes(contains), data);
            expect('data' in JSON.parse(data), data);
          }
        },
      ),
  })),
  {
    id: 'W19',
    name: 'subscriptions have streams of their own: one ends, and the other goes on',
    run: (subject) =>
      following(
        (signal) => post(subject, subject.subscription, { signal }),
        async (kept) => {
          await following(
            (signal) => post(subject, subject.subscription, { signal }),
            async (left) => {
              await operator('event');
              await nextOf(left);
              await nextOf(kept);
            },
          );
          const { contains } = await operator('event');
          expect((await nextOf(kept)).data.includes(contains), 'it has another event');
        },
      ),
  },
  {
    id: 'W20',
    name: 'a client that closes the connection has ended its subscription',
    async run(subject) {
      const { count } = await operator('subscriptions');
      await following(
        (signal) => post(subject, subject.subscription, { signal }),
        () =>
          until(
            async () => (await operator('subscriptions')).count === count + 1,
            'it is not there',
          ),
      );
      await until(
        async () => (await operator('subscriptions')).count === count,
        'it is still there',
      );
    },
  },
];
