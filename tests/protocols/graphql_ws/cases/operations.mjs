// Operations with one result, and ids.

import assert from 'node:assert/strict';

const kindsOf = (session, id) =>
  session.messages.all.filter((message) => message.id === id).map(({ type }) => type);

export default [
  {
    id: 'O01',
    about: 'a query is answered with next and complete',
    async run(t) {
      const session = t.session();
      const result = await session.run(t.subject.query, '1');
      assert.ok(result.data);
      assert.deepEqual(kindsOf(session, '1'), ['next', 'complete']);
    },
  },
  {
    id: 'O02',
    about: 'a mutation is answered with next and complete',
    needs: ['trigger'],
    async run(t) {
      const session = t.session();
      const result = await session.run(t.subject.trigger[0], '1');
      assert.ok(result.data);
      assert.deepEqual(kindsOf(session, '1'), ['next', 'complete']);
    },
  },
  {
    id: 'O03',
    about: 'a query that can not be parsed is answered with error, and no complete after it',
    async run(t) {
      const session = t.session();
      const { error } = await session.subscribe({ query: '{' }, '1').ended();
      assert.ok(error[0].message);
      await session.run(t.subject.query);
      assert.deepEqual(kindsOf(session, '1'), ['error']);
    },
  },
  {
    id: 'O04',
    about: 'a query that is not valid is answered with error, and no complete after it',
    async run(t) {
      const session = t.session();
      const query = '{ thisFieldIsNowhere }';
      const { error } = await session.subscribe({ query }, '1').ended();
      assert.ok(error[0].message);
      await session.run(t.subject.query);
      assert.deepEqual(kindsOf(session, '1'), ['error']);
    },
  },
  {
    id: 'O05',
    about: 'a subscription that is not valid is answered with error',
    async run(t) {
      const query = 'subscription { thisFieldIsNowhere }';
      const { error } = await t.session().subscribe({ query }).ended();
      assert.ok(error[0].message);
    },
  },
  {
    id: 'O06',
    about: 'an operationName that is not in the document is answered with error',
    async run(t) {
      const request = { query: 'query A { __typename }', operationName: 'B' };
      const { error } = await t.session().subscribe(request).ended();
      assert.ok(error[0].message);
    },
  },
  {
    id: 'O07',
    about: 'an operationName chooses among the operations of a document',
    async run(t) {
      const query = 'query A { a: __typename } query B { b: __typename }';
      const { data } = await t.session().run({ query, operationName: 'B' });
      assert.deepEqual(data, { b: 'Query' });
    },
  },
  {
    id: 'O08',
    about: 'variables are taken',
    async run(t) {
      const query = 'query ($yes: Boolean!) { a: __typename @include(if: $yes) b: __typename }';
      const { data } = await t.session().run({ query, variables: { yes: false } });
      assert.deepEqual(data, { b: 'Query' });
    },
  },
  {
    id: 'O09',
    about: 'operations of one connection are answered each under its id',
    async run(t) {
      const session = t.session();
      const asked = [...Array(15).keys()].map((number) =>
        session.run({ query: `{ a${number}: __typename }` }, String(number)),
      );
      (await Promise.all(asked)).forEach(({ data }, number) =>
        assert.deepEqual(data, { [`a${number}`]: 'Query' }),
      );
      assert.equal(session.connections.all.length, 1);
    },
  },
  {
    id: 'O10',
    about: 'an id can be used again once its operation is complete',
    async run(t) {
      const session = t.session({ lazy: false });
      for (let time = 0; time < 3; time += 1) {
        assert.ok((await session.run(t.subject.query, 'same')).data);
      }
      assert.equal(session.connections.all.length, 1);
    },
  },
  {
    id: 'O11',
    about: 'an id can be used again once its operation has failed',
    async run(t) {
      const session = t.session({ lazy: false });
      assert.ok((await session.subscribe({ query: '{' }, 'same').ended()).error);
      assert.ok((await session.run(t.subject.query, 'same')).data);
      assert.equal(session.connections.all.length, 1);
    },
  },
  {
    id: 'O12',
    about: 'a query that the client completes at once is not answered once that was read',
    async run(t) {
      const session = t.session({ lazy: false });
      await session.connected();
      const operation = session.subscribe(t.subject.query, '1');
      operation.dispose();
      await operation.ended();
      session.send({ type: 'ping' });
      await session.message(({ type }) => type === 'pong');
      const before = kindsOf(session, '1').length;
      await session.run(t.subject.query);
      assert.equal(kindsOf(session, '1').length, before);
    },
  },
  {
    id: 'O13',
    about: 'a connection that is lost amid an operation is opened again, and a query asked again',
    async run(t) {
      const proxy = await t.proxy();
      const session = t.session({
        server: { url: proxy.url },
        retryAttempts: 1,
        onConnected: () => {
          if (session.connections.all.length === 1) proxy.lose();
        },
      });
      assert.ok((await session.run(t.subject.query)).data);
      assert.equal(session.closes.all[0].code, 1006);
      assert.equal(session.connections.all.length, 2);
    },
  },
  {
    id: 'O14',
    about: 'a client that gives up with 4499 is forgotten, and the next is served',
    async run(t) {
      const session = t.session({ lazy: false });
      await session.connected();
      session.client.terminate();
      assert.equal((await session.closed()).code, 4499);
      assert.ok((await t.session().run(t.subject.query)).data);
    },
  },
];
