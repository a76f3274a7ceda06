// Operations with many results.

import assert from 'node:assert/strict';
import { until } from '../../table.mjs';

const NEEDS = ['subscription', 'trigger'];

/** The next result of a subscription. Makes events until it comes: nothing tells when one begins. */
export async function nextAfterTriggers(t, operation) {
  const other = t.session();
  let result;
  const came = operation.next().then((next) => {
    result = next;
  });
  while (result === undefined) {
    await t.trigger(other);
    await Promise.race([came, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  return result;
}

/** Subscribes, and waits for a first event. */
export async function begun(t, session, request = t.subject.subscription, id = undefined) {
  const operation = session.subscribe(request, id);
  return { ...operation, first: await nextAfterTriggers(t, operation) };
}

/** All messages for an id that have come once something that was asked later is answered. */
async function messagesOf(t, session, id) {
  await session.run(t.subject.query);
  return session.messages.all.filter((message) => message.id === id);
}

function valueAt(result, path) {
  return path.reduce((value, name) => value?.[name], result.data);
}

export default [
  {
    id: 'S01',
    about: 'a subscription gets next for each event, and no complete',
    needs: NEEDS,
    async run(t) {
      const session = t.session();
      const operation = await begun(t, session, t.subject.subscription, '1');
      await t.trigger(session);
      assert.ok((await operation.next()).data);
      const kinds = (await messagesOf(t, session, '1')).map(({ type }) => type);
      assert.deepEqual([...new Set(kinds)], ['next']);
    },
  },
  {
    id: 'S02',
    about: 'two subscriptions of one connection each get every event',
    needs: NEEDS,
    async run(t) {
      const session = t.session();
      const one = await begun(t, session, t.subject.subscription, '1');
      const two = await begun(t, session, t.subject.subscription, '2');
      await t.trigger(session);
      assert.ok((await one.next()).data);
      assert.ok((await two.next()).data);
      assert.equal(session.connections.all.length, 1);
    },
  },
  {
    id: 'S03',
    about: 'queries are answered beside a subscription',
    needs: NEEDS,
    async run(t) {
      const session = t.session();
      const operation = await begun(t, session);
      for (let time = 0; time < 10; time += 1) {
        assert.ok((await session.run(t.subject.query)).data);
      }
      await t.trigger(session);
      assert.ok((await operation.next()).data);
    },
  },
  {
    id: 'S04',
    about: 'a subscription that the client completes gets nothing more, not even complete',
    needs: NEEDS,
    async run(t) {
      const session = t.session({ lazy: false });
      const operation = await begun(t, session, t.subject.subscription, '1');
      operation.dispose();
      const before = (await messagesOf(t, session, '1')).length;
      const other = await begun(t, session, t.subject.subscription, '2');
      await t.trigger(session);
      await other.next();
      const after = await messagesOf(t, session, '1');
      assert.equal(after.length, before);
      assert.ok(after.every(({ type }) => type === 'next'));
    },
  },
  {
    id: 'S05',
    about: 'the id of a subscription can be used again as soon as the client has completed it',
    needs: NEEDS,
    async run(t) {
      const session = t.session({ lazy: false });
      for (let time = 0; time < 3; time += 1) {
        const operation = await begun(t, session, t.subject.subscription, 'same');
        operation.dispose();
        assert.ok((await session.run(t.subject.query, 'same')).data);
      }
      assert.equal(session.connections.all.length, 1);
    },
  },
  {
    id: 'S06',
    about: 'an id that a subscription has is closed with 4409, with the id in the reason',
    needs: NEEDS,
    async run(t) {
      const session = t.session();
      await begun(t, session, t.subject.subscription, 'same');
      session.send({ type: 'subscribe', id: 'same', payload: t.subject.query });
      const { code, reason } = await session.closed();
      assert.equal(code, 4409);
      assert.match(reason, /same/);
    },
  },
  {
    id: 'S07',
    about: 'an id that is used twice at once is closed with 4409',
    needs: NEEDS,
    async run(t) {
      const session = t.session({ lazy: false });
      await session.connected();
      const subscribe = { type: 'subscribe', id: 'same', payload: t.subject.subscription };
      session.send(subscribe);
      session.send(subscribe);
      assert.equal((await session.closed()).code, 4409);
    },
  },
  {
    id: 'S08',
    about: 'a subscription ends when its client leaves with 1000',
    needs: NEEDS,
    async run(t) {
      const session = t.session();
      await begun(t, session);
      session.client.dispose();
      assert.equal((await session.closed()).code, 1000);
      await begun(t, t.session());
    },
  },
  {
    id: 'S09',
    about: 'a connection that is lost is opened again, and the subscription goes on',
    needs: NEEDS,
    async run(t) {
      const proxy = await t.proxy();
      const session = t.session({ server: { url: proxy.url }, retryAttempts: 5 });
      const operation = await begun(t, session);
      await session.connected();
      proxy.lose();
      assert.equal((await session.closed()).code, 1006);
      await session.connected();
      await nextAfterTriggers(t, operation);
    },
  },
  {
    id: 'S10',
    about: 'a subscription that goes on from its cursor misses nothing while it is not connected',
    needs: [...NEEDS, 'cursor'],
    async run(t) {
      const proxy = await t.proxy();
      const { variable, path } = t.subject.cursor;
      const variables = { ...t.subject.subscription.variables };
      const request = { ...t.subject.subscription, variables };
      let isAway = false;
      let resume;
      const session = t.session({
        server: { url: proxy.url },
        retryAttempts: 5,
        retryWait: () =>
          isAway
            ? new Promise((resolve) => {
                resume = resolve;
              })
            : Promise.resolve(),
      });
      const operation = await begun(t, session, request);
      // Whatever was made while it began has come before the answer.
      await messagesOf(t, session);
      const cursorOf = (result) => valueAt(result, path);
      const before = operation.results.all.map(cursorOf);
      variables[variable] = before.at(-1);
      isAway = true;
      proxy.lose();
      await session.closed();
      const other = t.session();
      for (let time = 0; time < 5; time += 1) await t.trigger(other);
      await until(() => resume !== undefined, 'the client does not connect again');
      isAway = false;
      resume();
      while (operation.results.all.length < before.length + 5) await operation.next();
      await messagesOf(t, session);
      const all = operation.results.all.map(cursorOf);
      assert.equal(all.length, before.length + 5);
      assert.equal(new Set(all).size, all.length);
    },
  },
  {
    id: 'S11',
    about: 'a position that is none is refused with error, and others go on',
    needs: [...NEEDS, 'cursor'],
    async run(t) {
      const session = t.session();
      const operation = await begun(t, session);
      const variables = { ...t.subject.subscription.variables, [t.subject.cursor.variable]: '?' };
      const { error } = await session.subscribe({ ...t.subject.subscription, variables }).ended();
      assert.ok(error[0].message);
      await t.trigger(session);
      assert.ok((await operation.next()).data);
    },
  },
  {
    id: 'S12',
    about: 'pings of the server are answered by the client, and the subscription goes on',
    needs: [...NEEDS, 'pings'],
    async run(t) {
      const session = t.session();
      const operation = await begun(t, session);
      for (let time = 0; time < 2; time += 1) {
        await session.pings.next('a ping', ({ received }) => received);
        await session.pongs.next('a pong', ({ received }) => !received);
      }
      await t.trigger(session);
      assert.ok((await operation.next()).data);
    },
  },
];
