// Requests for event streams, and what comes of them.
import { expect } from '../table.mjs';

export const EVENTS = 'text/event-stream';

export function post({ url, headers }, request, more = {}) {
  const body = typeof request === 'string' ? request : JSON.stringify(request);
  const sent = { accept: EVENTS, 'content-type': 'application/json', ...headers, ...more.headers };
  return fetch(url, { method: 'POST', ...more, body, headers: sent });
}

export function get({ url, headers }, request, more = {}) {
  return fetch(address(url, request), {
    ...more,
    headers: { accept: EVENTS, ...headers, ...more.headers },
  });
}

export function address(url, { query, variables, operationName }) {
  const asked = new URL(url);
  asked.searchParams.set('query', query);
  if (variables) asked.searchParams.set('variables', JSON.stringify(variables));
  if (operationName) asked.searchParams.set('operationName', operationName);
  return asked.href;
}

/** Read a stream as the HTML standard says; yields { event, data, id } with undefined for none. */
async function* blocks(response) {
  let text = '';
  let block = {};
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (text + part).split('\n');
    text = lines.pop();
    for (const line of lines) {
      if (line === '') {
        yield block;
        block = {};
        continue;
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (field !== '')
        block[field] = field === 'data' && 'data' in block ? `${block.data}\n${value}` : value;
    }
  }
  expect(text === '' && !Object.keys(block).length, 'the stream ends within a block');
}

export async function* events(response) {
  expectStream(response);
  for await (const block of blocks(response)) if (block.event !== undefined) yield block;
}

export function expectStream(response) {
  expect(response.status === 200, `the status is ${response.status}`);
  const type = response.headers.get('content-type') ?? '';
  expect(type.split(';')[0] === EVENTS, `the content type is ${type}`);
}

export async function all(response) {
  const found = [];
  for await (const event of events(response)) found.push(event);
  return found;
}

export function expectOneResult(found, has) {
  expect(found.map(({ event }) => event).join() === 'next,complete', JSON.stringify(found));
  const result = JSON.parse(found[0].data);
  expect(has in result, `the result has no ${has}: ${found[0].data}`);
  if (has === 'errors') expect(result.errors.length > 0, 'there are no errors');
}

/** Open a subscription, pass its events to `use`, and close it. */
export async function following(open, use) {
  const control = new AbortController();
  const response = await open(control.signal);
  const source = events(response);
  try {
    await use(source, response);
  } finally {
    control.abort();
    await source.return().catch(() => undefined);
  }
}

export async function nextOf(source) {
  const { value, done } = await source.next();
  expect(!done, 'the stream has ended');
  expect(value.event === 'next', `the event is ${value.event}`);
  return value;
}

export async function refused(subject, request) {
  const response = await post(subject, request);
  if (response.status >= 400 && response.status < 500) return;
  expectOneResult(await all(response), 'errors');
}

export function expectStatus(response, statuses) {
  expect(statuses.includes(response.status), `the status is ${response.status}`);
}
