// What an EventSource does.
import { EventSource } from 'eventsource';

import { expect, operator, skip, until } from '../../table.mjs';
import { address } from '../wire.mjs';

/** An EventSource and what it was told; it is closed after `use`. */
async function listening({ url, headers }, request, use) {
  const told = { next: [], complete: 0, opened: 0, errors: [], requests: 0 };
  const source = new EventSource(address(url, request), {
    fetch: (input, init) => {
      told.requests += 1;
      return fetch(input, { ...init, headers: { ...init.headers, ...headers } });
    },
  });
  source.addEventListener('next', (event) => told.next.push(event));
  source.addEventListener('complete', () => (told.complete += 1));
  source.addEventListener('open', () => (told.opened += 1));
  source.addEventListener('error', (event) => told.errors.push(event.code));
  try {
    await use(told, source);
  } finally {
    source.close();
  }
}

/** Wait until it gives up, which it may do once it has asked again. */
async function untilClosed(told, source) {
  const isClosed = () => source.readyState === EventSource.CLOSED;
  await until(() => isClosed() || told.requests > 2, 'it neither asks nor gives up');
  expect(isClosed(), 'it goes on asking');
}

async function heard(told) {
  const count = told.next.length;
  const { contains } = await operator('event');
  await until(() => told.next.length > count, 'there is no event');
  expect(told.next.at(-1).data.includes(contains), 'it is another event');
}

export default [
  {
    id: 'E01',
    name: 'an EventSource hears the result of a query, and complete',
    run: (subject) =>
      listening(subject, subject.query, async (told) => {
        await until(() => told.complete > 0, 'complete is not heard');
        expect('data' in JSON.parse(told.next[0].data), told.next[0].data);
      }),
  },
  {
    id: 'E02',
    name: 'an EventSource is open before a subscription emits anything, and hears its results',
    run: (subject) =>
      listening(subject, subject.subscription, async (told) => {
        await until(() => told.opened > 0, 'it does not open');
        await heard(told);
        await heard(told);
      }),
  },
  {
    id: 'E03',
    name: 'an EventSource goes on by itself after a restart, loses nothing and has nothing twice',
    async run(subject) {
      if (!subject.resumes) skip('the server does not resume');
      await listening(subject, subject.subscription, async (told) => {
        await until(() => told.opened > 0, 'it does not open');
        await heard(told);
        await operator('stop');
        const texts = [];
        for (let count = 0; count < 3; count += 1) texts.push((await operator('event')).contains);
        await operator('start');
        await until(() => told.next.length >= 1 + texts.length, 'events are missing');
        await heard(told);
        const data = told.next.slice(1).map((event) => event.data);
        expect(data.length === texts.length + 1, `there are ${data.length} events`);
        texts.forEach((text, place) =>
          expect(data[place].includes(text), `${place} is another one`),
        );
      });
    },
  },
  {
    id: 'E04',
    name: 'an EventSource does not ask again and again for what can not run',
    run: (subject) =>
      listening(subject, subject.invalid, async (told, source) => {
        await untilClosed(told, source);
        expect(told.complete === 1, `complete was heard ${told.complete} times`);
      }),
  },
  {
    id: 'E05',
    name: 'an EventSource that may not ask learns the status, and does not ask again',
    async run(subject) {
      if (!subject.refusedHeaders) skip('the server refuses nobody');
      const stranger = { ...subject, headers: subject.refusedHeaders };
      await listening(stranger, subject.subscription, async (told, source) => {
        await until(() => source.readyState === EventSource.CLOSED, 'it goes on asking');
        expect(told.requests === 1 && [401, 403].includes(told.errors[0]), String(told.errors));
      });
    },
  },
  {
    id: 'E06',
    name: 'an EventSource whose stream ends for good does not ask again and again',
    run: (subject) =>
      listening(subject, subject.subscription, async (told, source) => {
        await until(() => told.opened > 0, 'it does not open');
        await heard(told);
        await operator('revoke');
        await untilClosed(told, source);
        await operator('readmit');
        expect(JSON.parse(told.next.at(-1).data).errors.length > 0, 'it was told of no errors');
      }),
  },
];
