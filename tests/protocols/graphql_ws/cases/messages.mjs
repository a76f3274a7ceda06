// Messages that the protocol does not know.

import assert from 'node:assert/strict';

const INVALID = [
  ['M01', 'a message that is not JSON', '{'],
  ['M02', 'a message that is empty', ''],
  ['M03', 'a message that is an array', '[]'],
  ['M04', 'a message that is null', 'null'],
  ['M05', 'a message that is a string', '"ping"'],
  ['M06', 'a message without a type', {}],
  ['M07', 'a message whose type is no string', { type: 1 }],
  ['M08', 'a message of an unknown type', { type: 'start', id: '1', payload: {} }],
  ['M09', 'subscribe without an id', { type: 'subscribe', payload: { query: '{ __typename }' } }],
  [
    'M10',
    'subscribe with an id that is no string',
    { type: 'subscribe', id: 1, payload: { query: '{ __typename }' } },
  ],
  [
    'M11',
    'subscribe with an empty id',
    { type: 'subscribe', id: '', payload: { query: '{ __typename }' } },
  ],
  ['M12', 'subscribe without a payload', { type: 'subscribe', id: '1' }],
  ['M13', 'subscribe whose payload is no object', { type: 'subscribe', id: '1', payload: [] }],
  ['M14', 'complete without an id', { type: 'complete' }],
  ['M15', 'ping whose payload is no object', { type: 'ping', payload: 'x' }],
  ['M16', 'pong whose payload is no object', { type: 'pong', payload: 1 }],
  ['M17', 'connection_ack, which is the server\'s', { type: 'connection_ack' }],
  ['M18', 'next, which is the server\'s', { type: 'next', id: '1', payload: { data: null } }],
  ['M19', 'error, which is the server\'s', { type: 'error', id: '1', payload: [] }],
].map(([id, what, message]) => ({
  id,
  about: `${what} is closed with 4400 and a reason`,
  async run(t) {
    const session = t.session({ lazy: false });
    await session.connected();
    session.send(message);
    const { code, reason } = await session.closed();
    assert.equal(code, 4400);
    assert.ok(reason);
  },
}));

// The protocol closes the connection for these too; a server may also refuse the operation alone,
// so that the others go on.
const REFUSED = [
  ['M20', 'a request without a query', {}],
  ['M21', 'a query that is no string', { query: 1 }],
  ['M22', 'variables that are no object', { query: '{ __typename }', variables: [] }],
  ['M23', 'an operationName that is no string', { query: '{ __typename }', operationName: 1 }],
  ['M24', 'extensions that are no object', { query: '{ __typename }', extensions: 'x' }],
].map(([id, what, payload]) => ({
  id,
  about: `${what} is closed with 4400, or answered with an error`,
  async run(t) {
    const session = t.session({ lazy: false });
    await session.connected();
    session.send({ type: 'subscribe', id: '1', payload });
    const closed = session.closed().then(({ code }) => assert.equal(code, 4400));
    const answered = session.message(({ id: of }) => of === '1').then((message) => {
      assert.equal(message.type, 'error');
      assert.ok(message.payload[0].message);
    });
    await Promise.any([closed, answered]);
  },
}));

export default [
  ...INVALID,
  ...REFUSED,
  {
    id: 'M25',
    about: 'null is as good as nothing for optional members',
    async run(t) {
      const session = t.session({ lazy: false });
      await session.connected();
      session.send({ type: 'ping', payload: null });
      session.send({ type: 'pong', payload: null });
      const more = { operationName: null, variables: null, extensions: null, ...t.subject.query };
      session.send({ type: 'subscribe', id: '1', payload: more });
      const message = await session.message(({ id }) => id === '1');
      assert.equal(message.type, 'next');
    },
  },
  {
    id: 'M26',
    about: 'the completion of an unknown operation is ignored',
    async run(t) {
      const session = t.session({ lazy: false });
      await session.connected();
      session.send({ type: 'complete', id: 'nothing' });
      session.send({ type: 'ping' });
      await session.message(({ type }) => type === 'pong');
    },
  },
];
