// What the npm client graphql-sse makes of it.
import { createClient, NetworkError } from 'graphql-sse';

import { expect, operator, skip, until } from '../../table.mjs';

/** A client and what it was told; `retry` takes no time, so that cases do not either. */
function clientOf({ url, headers }, options = {}) {
  const told = { connecting: [], connected: [], messages: [], retries: [] };
  const client = createClient({
    url,
    headers,
    retryAttempts: 0,
    retry: async (count) => {
      told.retries.push(count);
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
    on: {
      connecting: (again) => told.connecting.push(again),
      connected: (again) => told.connected.push(again),
      message: (message) => told.messages.push(message),
    },
    ...options,
  });
  return { client, told };
}

/** Subscribe, and note what the sink is told; `ended` resolves with how it ended. */
function subscribe(client, request) {
  const sink = { results: [], complete: false, error: undefined };
  sink.ended = new Promise((resolve) => {
    sink.stop = client.subscribe(request, {
      next: (result) => sink.results.push(result),
      complete: () => resolve((sink.complete = true)),
      error: (error) => resolve((sink.error = error)),
    });
  });
  return sink;
}

/** Subscribe with a client until it has had a result. */
async function begun(client, told, request) {
  const sink = subscribe(client, request);
  await until(() => told.connected.length > 0, 'the client does not connect');
  await emitted(sink);
  return sink;
}

async function emitted(sink) {
  const count = sink.results.length;
  const { contains } = await operator('event');
  await until(() => sink.results.length > count || sink.error, 'there is no result');
  expect(!sink.error, `the client reports ${sink.error}`);
  expect(JSON.stringify(sink.results.at(-1)).includes(contains), 'it is another result');
}

/** A fetch that passes the id of each block on, which the client itself drops. */
function readingIds(note) {
  return async (url, options) => {
    const response = await fetch(url, options);
    if (!response.ok || !response.body) return response;
    let text = '';
    const decoder = new TextDecoder();
    const reading = new TransformStream({
      transform(part, controller) {
        text += decoder.decode(part, { stream: true });
        const whole = text.lastIndexOf('\n\n');
        if (whole >= 0) {
          const ids = [...text.slice(0, whole).matchAll(/^id: ?(.*)$/gm)];
          if (ids.length) note(ids.at(-1)[1]);
          text = text.slice(whole + 2);
        }
        controller.enqueue(part);
      },
    });
    const { status, headers } = response;
    return new Response(response.body.pipeThrough(reading), { status, headers });
  };
}

export default [
  {
    id: 'C01',
    name: 'a query is one result, and is complete',
    async run(subject) {
      const sink = subscribe(clientOf(subject).client, subject.query);
      await sink.ended;
      expect(
        sink.complete && sink.results.length === 1 && sink.results[0].data,
        String(sink.error),
      );
    },
  },
  {
    id: 'C02',
    name: 'the client is told of its connection and of each message',
    async run(subject) {
      const { client, told } = clientOf(subject);
      await subscribe(client, subject.query).ended;
      const { connecting, connected, messages } = told;
      expect(
        JSON.stringify({ connecting, connected }) === '{"connecting":[false],"connected":[false]}',
        '',
      );
      expect(
        messages.map(({ event }) => event).join() === 'next,complete',
        JSON.stringify(messages),
      );
    },
  },
  {
    id: 'C03',
    name: 'errors of validation are a result, and the operation is complete',
    async run(subject) {
      const sink = subscribe(clientOf(subject).client, subject.invalid);
      await sink.ended;
      expect(sink.complete && sink.results[0].errors.length > 0, String(sink.error));
    },
  },
  {
    id: 'C04',
    name: 'a subscription has results until the client ends it, which the server notices',
    async run(subject) {
      const { count } = await operator('subscriptions');
      const { client, told } = clientOf(subject);
      const sink = await begun(client, told, subject.subscription);
      await emitted(sink);
      sink.stop();
      await sink.ended;
      expect(sink.complete, String(sink.error));
      await until(
        async () => (await operator('subscriptions')).count === count,
        'it is still there',
      );
    },
  },
  {
    id: 'C05',
    name: 'a subscription that has emitted nothing ends when the client ends it',
    async run(subject) {
      const { count } = await operator('subscriptions');
      const { client, told } = clientOf(subject);
      const sink = subscribe(client, subject.subscription);
      await until(() => told.connected.length > 0, 'the client does not connect');
      sink.stop();
      await sink.ended;
      await until(
        async () => (await operator('subscriptions')).count === count,
        'it is still there',
      );
    },
  },
  {
    id: 'C06',
    name: 'disposing of the client ends all of its subscriptions',
    async run(subject) {
      const { count } = await operator('subscriptions');
      const { client, told } = clientOf(subject);
      const sinks = [
        await begun(client, told, subject.subscription),
        subscribe(client, subject.subscription),
      ];
      await until(() => told.connected.length === 2, 'the client does not connect');
      client.dispose();
      await Promise.all(sinks.map(({ ended }) => ended));
      expect(
        sinks.every(({ complete }) => complete),
        'not all are complete',
      );
      await until(
        async () => (await operator('subscriptions')).count === count,
        'they are still there',
      );
    },
  },
  {
    id: 'C07',
    name: 'a loop over results ends the subscription when it is left',
    async run(subject) {
      const { count } = await operator('subscriptions');
      const { client, told } = clientOf(subject);
      const loop = (async () => {
        for await (const result of client.iterate(subject.subscription)) return result;
        return undefined;
      })();
      await until(() => told.connected.length > 0, 'the client does not connect');
      const { contains } = await operator('event');
      expect(JSON.stringify(await loop).includes(contains), 'it is another result');
      await until(
        async () => (await operator('subscriptions')).count === count,
        'it is still there',
      );
    },
  },
  {
    id: 'C08',
    name: 'a loop over the errors of validation ends by itself',
    async run(subject) {
      const found = [];
      for await (const result of clientOf(subject).client.iterate(subject.invalid))
        found.push(result);
      expect(found.length === 1 && found[0].errors.length > 0, JSON.stringify(found));
    },
  },
  {
    id: 'C09',
    name: 'who may not ask learns the status, once all attempts are used up',
    async run(subject) {
      if (!subject.refusedHeaders) skip('the server refuses nobody');
      const stranger = { ...subject, headers: subject.refusedHeaders };
      const { client, told } = clientOf(stranger, { retryAttempts: 2 });
      const sink = subscribe(client, subject.subscription);
      await sink.ended;
      expect(sink.error instanceof NetworkError, String(sink.error));
      expect([401, 403].includes(sink.error.response?.status), sink.error.message);
      expect(told.retries.join() === '0,1', `it was tried again: ${told.retries}`);
    },
  },
  {
    id: 'C10',
    name: 'a server that stops ends the stream without complete, which is a network error',
    async run(subject) {
      const { client, told } = clientOf(subject);
      const sink = await begun(client, told, subject.subscription);
      await operator('stop');
      await sink.ended;
      await operator('start');
      expect(
        sink.error instanceof NetworkError,
        `complete: ${sink.complete}, error: ${sink.error}`,
      );
      expect(!told.messages.some(({ event }) => event === 'complete'), 'there was a complete');
    },
  },
  {
    id: 'C11',
    name: 'a client that may try again goes on with the server that is started again',
    async run(subject) {
      const { client, told } = clientOf(subject, { retryAttempts: 1_000 });
      const sink = await begun(client, told, subject.subscription);
      await operator('restart');
      await until(() => told.connected.includes(true), 'the client does not connect again');
      expect(
        told.connecting[0] === false && told.connecting.at(-1) === true,
        String(told.connecting),
      );
      await emitted(sink);
      sink.stop();
    },
  },
  {
    id: 'C12',
    name: 'a server that is away is tried as often as the client may',
    async run(subject) {
      await operator('stop');
      const { client, told } = clientOf(subject, { retryAttempts: 3 });
      const sink = subscribe(client, subject.subscription);
      await sink.ended;
      await operator('start');
      expect(sink.error instanceof NetworkError, String(sink.error));
      expect(told.retries.join() === '0,1,2', `it was tried again: ${told.retries}`);
    },
  },
  {
    id: 'C13',
    name: 'a client that sends the last event id loses nothing and has nothing twice over a restart',
    async run(subject) {
      if (!subject.resumes) skip('the server does not resume');
      let last;
      const seen = [];
      const source = readingIds((id) => (last = id));
      const headers = () => ({ ...subject.headers, ...(last && { 'last-event-id': last }) });
      const { client, told } = clientOf(subject, {
        headers,
        fetchFn: source,
        retryAttempts: 1_000,
      });
      const sink = await begun(client, told, subject.subscription);
      const before = sink.results.length;
      await operator('stop');
      for (let count = 0; count < 3; count += 1) seen.push((await operator('event')).contains);
      await operator('start');
      seen.push((await operator('event')).contains);
      await until(() => sink.results.length >= before + seen.length, 'events are missing');
      sink.stop();
      await sink.ended;
      const results = sink.results.slice(before).map((result) => JSON.stringify(result));
      expect(results.length === seen.length, `there are ${results.length} results`);
      seen.forEach((text, place) =>
        expect(results[place].includes(text), `${place} is another one`),
      );
    },
  },
  {
    id: 'C14',
    name: 'a stream whose client may no longer ask ends with errors and complete, and is left at that',
    async run(subject) {
      const { client, told } = clientOf(subject, { retryAttempts: 1_000 });
      const sink = await begun(client, told, subject.subscription);
      await operator('revoke');
      await sink.ended;
      await operator('readmit');
      expect(sink.complete, String(sink.error));
      expect(sink.results.at(-1).errors?.length > 0, 'the last result has no errors');
      expect(told.retries.length === 0, 'the client has tried again');
    },
  },
  {
    id: 'C15',
    name: 'events that are no longer kept are errors and complete, and the client does not try again',
    async run(subject) {
      if (!subject.resumes) skip('the server does not resume');
      let last;
      const first = clientOf(subject, { fetchFn: readingIds((id) => (last = id)) });
      const sink = await begun(first.client, first.told, subject.subscription);
      sink.stop();
      await operator('event');
      await operator('expire');
      const headers = { ...subject.headers, 'last-event-id': last };
      const { client, told } = clientOf(subject, { headers, retryAttempts: 1_000 });
      const late = subscribe(client, subject.subscription);
      await late.ended;
      expect(late.complete, String(late.error));
      expect(late.results[0].errors.length > 0, 'the result has no errors');
      expect(told.retries.length === 0, 'the client has tried again');
    },
  },
];
